// The tools of MCP servers as actions: `mcp:` in the workflow says which servers there are, `use:
// mcp.SERVER.TOOL` what a tool of the workflow calls (docs/formats/workflow.md).
//
//   action: {use: mcp.files.read_text_file, with: {path: /srv/notes.txt}, failures: {ENOENT: no_such_note}}
//
// The slots are the arguments; `with` are arguments that nobody is asked for. What the tool returns is the
// result's data (mcp_protocol.h, ReadCallResult); its errors are `failures`, else `failed`. A call that
// certainly had no effect, or whose tool says that once more does no harm, is `unavailable` when its server
// is gone (tried again by the executor); otherwise a server that vanishes in the middle of a call is a
// `timeout`: what it did is not known.
#pragma once

#include "action/mcp_client.h"
#include "action/registry.h"
#include "workflow/workflow.h"

namespace sotto {

// `http` and `clock` outlive the client. The error names a variable of the environment that is not set, or a
// URL that is none.
Result<std::unique_ptr<mcp::Client>> OpenMcpServer(const McpServer& server,
                                                   const std::filesystem::path& folder, HttpClient& http,
                                                   const Clock& clock);

// `client` outlives the action.
RegisteredAction MakeMcpAction(mcp::Client& client, std::string tool);

// What stands on a command line: "npx -y some-server /srv" (quotes where a word has spaces; words that are
// files here are written with their whole path), or a URL. Its name is "server" until somebody knows better.
Result<McpServer> ReadMcpServer(std::string_view text);

// Asks a server for its tools and waits for them at most `limit`; `server` gets the name that it gives
// itself.
Result<std::vector<mcp::Tool>> AskForMcpTools(McpServer& server, Duration limit);

}  // namespace sotto
