"""What scripts/measure-new-intent and scripts/measure-weeks share: steps that are done once, and training in pieces.

A measurement keeps its files in one folder. Each step writes what came of it to steps.json, so that the same command goes
on where it was stopped. Training stops after the seconds that a call may take: sotto-train then writes its checkpoint, the
script exits with 75, and the same command goes on with it.
"""
import argparse, json, os, pathlib, shutil, signal, subprocess, sys, time

GO_ON = 75


def arguments(doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/sotto")
    parser.add_argument("--workflow", default="workflows/banking")
    parser.add_argument("--to", required=True, help="Folder of this measurement; the same again goes on with it")
    parser.add_argument("--seconds", type=int, default=330, help="Stop after so many seconds (exit code 75: go on with the same command)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser


class Rounds:
    def __init__(self, flags):
        self.program = str(pathlib.Path(flags.program).resolve())
        self.workflow = pathlib.Path(flags.workflow).resolve()
        self.folder = pathlib.Path(flags.to).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.threads = flags.threads
        self.end = time.monotonic() + flags.seconds
        self.file = self.folder / "steps.json"
        self.steps = json.loads(self.file.read_text()) if self.file.exists() else {}

    def step(self, name, work):
        """What `work` gives, a JSON value; done once."""
        if name not in self.steps:
            if time.monotonic() > self.end:
                self.pause(name)
            print(f"[{name}]", file=sys.stderr, flush=True)
            self.steps[name] = work()
            new = self.file.with_suffix(".new")
            new.write_text(json.dumps(self.steps, indent=1))
            new.rename(self.file)
        return self.steps[name]

    def pause(self, name):
        print(f"stopped before the end of '{name}': go on with the same command", file=sys.stderr)
        sys.exit(GO_ON)

    def run(self, *words, codes=(0,)):
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, env={**os.environ, "SOTTO_THREADS": str(self.threads)})
        if done.returncode not in codes:
            sys.exit(f"sotto {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr[-1500:]}")
        return done.stdout

    def train(self, workflow, minutes, steps, *words):
        """A candidate, report/model.gguf; in as many pieces as it takes. `steps` not 0: exactly so many, whoever else uses the machine."""
        time_ = ["--steps", str(steps)] if steps else ["--minutes", str(minutes)]
        words = [self.program, "train", str(workflow), *time_, "--threads", str(self.threads), "--candidate-only", "--resume", *map(str, words)]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            _, errors = process.communicate(timeout=max(1, self.end - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            self.pause("train")
        if process.returncode != 0:
            sys.exit(f"sotto {' '.join(words[1:])} ended with {process.returncode}: {errors[-1500:]}")

    def accuracy(self, workflow, model, data):
        """{"exact", "turns", "per_tool": {tool: [right, turns]}} of one or several files."""
        words = [word for file in data for word in ("--data", file)]
        out = json.loads(self.run("eval", "--workflow", workflow, "--model", model, "--json", *words))
        return {"exact": out["exact"], "turns": out["turns"],
                "per_tool": {tool: [round(one["exact"] * one["turns"]), one["turns"]] for tool, one in out["per_tool"].items()}}


def rows_of(path):
    return [json.loads(line) for line in open(path)]


def write_rows(path, rows):
    pathlib.Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))


def one_turn(words, name, arguments):
    return {"messages": [{"role": "user", "content": words},
                         {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}]}]}


def copy_workflow(source, to, without=("report",)):
    shutil.copytree(source, to, ignore=shutil.ignore_patterns(*without))
