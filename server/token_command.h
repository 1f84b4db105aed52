// throngd token: makes, revokes and lists the principals of an access file. No server is needed;
// one that runs sees the change within a second.
//
//   int exit_code = 0;
//   RegisterTokenCommands(app, exit_code);
//
// Not thread-safe.
#ifndef THRONG_SERVER_TOKEN_COMMAND_H_
#define THRONG_SERVER_TOKEN_COMMAND_H_

#include "CLI/CLI.hpp"

namespace throng {

// token create, revoke, list, and audit-hash. `exit_code` must outlive `app`; 1: refused, 2: wrong
// usage or a file that cannot be used.
void RegisterTokenCommands(CLI::App& app, int& exit_code);

}  // namespace throng

#endif  // THRONG_SERVER_TOKEN_COMMAND_H_
