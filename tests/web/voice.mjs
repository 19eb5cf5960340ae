// A caller's recorded voice, as 16-bit samples at 16 kHz.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const RATE = 16000;
export const silence = (seconds) => new Array(Math.round(seconds * RATE)).fill(0);

export function wav(samples) {
  const bytes = Buffer.alloc(44 + samples.length * 2);
  bytes.write('RIFF', 0); bytes.writeUInt32LE(36 + samples.length * 2, 4); bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16); bytes.writeUInt16LE(1, 20); bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24); bytes.writeUInt32LE(RATE * 2, 28); bytes.writeUInt16LE(2, 32); bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36); bytes.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, i) => bytes.writeInt16LE(sample, 44 + i * 2));
  return bytes;
}

// `sotto demo` records a call, the left channel of which is the caller; `out`: a folder for its files.
export function recorded(sotto, workflow, out, sentence) {
  const script = path.join(out, 'script.txt');
  const call = path.join(out, 'call.wav');
  writeFileSync(script, `${sentence}\n`);
  const made = spawnSync(sotto, ['demo', '--workflow', workflow, '--recognizer', 'pocketsphinx', '--script', script, '--out', call], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`sotto demo: ${made.stderr}`);
  const bytes = readFileSync(call);
  const data = bytes.indexOf('data', 12, 'latin1') + 8;
  const samples = [];
  for (let at = data; at + 4 <= bytes.length; at += 4) samples.push(bytes.readInt16LE(at));
  const loud = (sample) => Math.abs(sample) > 300;
  return samples.slice(Math.max(0, samples.findIndex(loud) - 800), samples.findLastIndex(loud) + 1600);
}

// G.711 mu-law at 8 kHz: every second sample, after the mean of two.
export function muLaw(samples) {
  const bytes = Buffer.alloc(Math.floor(samples.length / 2));
  for (let i = 0; i < bytes.length; ++i) {
    const sample = (samples[2 * i] + samples[2 * i + 1]) / 2;
    const sign = sample < 0 ? 0x80 : 0;
    const magnitude = Math.min(32635, Math.abs(Math.round(sample))) + 132;
    const exponent = Math.max(0, Math.floor(Math.log2(magnitude)) - 7);
    bytes[i] = ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xff;
  }
  return bytes;
}

// For a page: its microphone is what the test says, when it says it.
export function microphoneOf(sentences) {
  const context = new AudioContext({ sampleRate: 16000 });
  const line = context.createMediaStreamDestination();
  navigator.mediaDevices.getUserMedia = async () => { context.resume(); return line.stream.clone(); };
  window.sayAloud = (sentence) => {
    const samples = Float32Array.from(sentences[sentence], (sample) => sample / 32768);
    const buffer = context.createBuffer(1, samples.length, 16000);
    buffer.copyToChannel(samples, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(line);
    source.start();
    return new Promise((resolve) => { source.onended = resolve; });
  };
}
