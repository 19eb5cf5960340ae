// An MCP server over stdio that behaves as its argument says: the tests' stranger. Its tools misbehave when
// called.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using Json = nlohmann::ordered_json;

void Line(const std::string& text) { std::cout << text << '\n' << std::flush; }
void Answer(const Json& id, const Json& result) {
  Line(Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", result}}.dump());
}
Json Text(const std::string& text, bool error = false) {
  return {{"content", Json::array({{{"type", "text"}, {"text", text}}})}, {"isError", error}};
}
Json Tool(const std::string& name, const Json& annotations = Json::object()) {
  return {{"name", name},
          {"description", "The tool " + name},
          {"inputSchema", {{"type", "object"}, {"properties", {{"value", {{"type", "string"}}}}}}},
          {"annotations", annotations}};
}

int cancelled = 0;

std::string ReadLine() {
  std::string line;
  if (!std::getline(std::cin, line)) std::exit(0);
  return line;
}

void Call(const Json& id, const std::string& tool, const Json& arguments, const Json& meta) {
  if (tool == "echo") {
    Answer(id, Text(arguments.dump()));
  } else if (tool == "structured") {
    Answer(id, {{"content", Json::array()}, {"structuredContent", {{"balance", 12.5}, {"text", "mine"}}}});
  } else if (tool == "meta") {
    Answer(id, Text(meta.dump()));
  } else if (tool == "refuses") {
    Answer(id, Text("Error: Insufficient Funds on 4532", true));
  } else if (tool == "invalid") {
    Line(Json{{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", -32602}, {"message", "secret 4532"}}}}
             .dump());
  } else if (tool == "environment") {
    std::string names;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      names += text.substr(0, text.find('=')) + "\n";
    }
    Answer(id, Text(names));
  } else if (tool == "garbage") {
    Line("this is no message");
    Line("{\"jsonrpc\": \"2.0\", \"id\": ");
    Line("[1, 2, 3]");
    Line("\xff\xfe not even UTF-8");
    Line(std::string(3000, '['));
    Line("{\"jsonrpc\": \"1.0\", \"id\": 1, \"result\": {}}");
    Line("   ");
    Answer(id, Text("after garbage"));
  } else if (tool == "wrong_ids") {
    for (const Json& wrong :
         {Json(9'999'999), Json("x"), Json(1.5), Json(nullptr), Json::array({1}), Json(-1), Json(0),
          Json(18'446'744'073'709'551'615ULL), Json(std::to_string(id.get<int64_t>()))}) {
      Answer(wrong, Text("wrong"));
    }
    Answer(id, Text("right"));
    Answer(id, Text("twice"));
  } else if (tool == "pieces") {
    const std::string text = Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", Text("whole")}}.dump() + "\r\n";
    for (const char c : text) std::cout << c << std::flush;
  } else if (tool == "huge") {
    std::cout << "{\"jsonrpc\": \"2.0\", \"x\": \"" << std::string(5 << 20, 'x') << std::flush;
    while (true) ReadLine();
  } else if (tool == "dies" || tool == "dies_harmlessly") {
    std::cerr << "canary: " << arguments.dump() << std::endl;
    std::cout << "{\"jsonrpc\": \"2.0\", \"id\": 3, \"resu" << std::flush;
    std::_Exit(7);
  } else if (tool == "asks_back") {
    Line(R"({"jsonrpc": "2.0", "id": "p1", "method": "ping"})");
    const bool pong = ReadLine() == R"({"jsonrpc":"2.0","id":"p1","result":{}})";
    Line(R"({"jsonrpc": "2.0", "id": 77, "method": "sampling/createMessage", "params": {}})");
    const bool refused = ReadLine().find("-32601") != std::string::npos;
    Line(R"({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}})");
    Answer(id, Text(pong && refused ? "both answered" : "not answered"));
  } else if (tool == "count_cancelled") {
    Answer(id, Text(std::to_string(cancelled)));
  } else if (tool == "no_content") {
    Answer(id, {{"value", 1}});
  }
  // "silent": no answer.
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "dies_at_start") {
    std::cerr << "reading the licence\nError: no licence\n    at main\n";
    return 1;
  }
  if (mode == "deaf") {
    while (true) pause();
  }
  while (true) {
    const Json message = Json::parse(ReadLine());
    const std::string method = message.value("method", "");
    const Json id = message.value("id", Json());
    const Json params = message.value("params", Json::object());
    if (mode == "mute") continue;
    if (method == "initialize") {
      if (mode == "refuses") {
        Line(Json{{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", -32000}, {"message", "no"}}}}.dump());
        continue;
      }
      const Json tools = mode == "no_tools" ? Json() : Json::object();
      Answer(id, {{"protocolVersion", mode == "old" ? "1999-01-01" : "2025-06-18"},
                  {"capabilities", {{"tools", tools}}},
                  {"serverInfo", {{"name", "hostile"}, {"version", "1"}}}});
    } else if (method == "tools/list") {
      const std::string cursor = params.value("cursor", "");
      if (mode == "endless_list") {
        Answer(id, {{"tools", Json::array({Tool("echo")})}, {"nextCursor", cursor == "b" ? "a" : "b"}});
      } else if (mode == "floods") {
        for (int i = 0; i < 1100; ++i) Line("flood");
      } else if (cursor.empty()) {
        Json structured = Tool("structured");
        structured["outputSchema"] = {{"type", "object"},
                                      {"properties", {{"balance", {{"type", "number"}}}}}};
        Answer(id, {{"tools", Json::array({Tool("echo"), structured, Tool("refuses"), Tool("invalid"),
                                           Tool("environment"), Tool("garbage"), Tool("wrong_ids")})},
                    {"nextCursor", "2"}});
      } else {
        Answer(id, {{"tools", Json::array({Tool("pieces"), Tool("huge"), Tool("dies"),
                                           Tool("dies_harmlessly", {{"readOnlyHint", true}}),
                                           Tool("asks_back"), Tool("count_cancelled"), Tool("meta"),
                                           Tool("no_content"), Tool("silent")})}});
      }
    } else if (method == "notifications/cancelled") {
      cancelled += params.value("requestId", 0) > 0;
    } else if (method == "tools/call") {
      Call(id, params.value("name", ""), params.value("arguments", Json::object()),
           params.value("_meta", Json()));
    }
  }
}
