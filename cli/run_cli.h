// The whole `throng` command as a function, so that tests run commands in their own process.
//
//   const char* argv[] = {"throng", "--server", "127.0.0.1:7400", "count", "city = 'Beijing'"};
//   int exit_code = RunCli(5, argv);
#ifndef THRONG_CLI_RUN_CLI_H_
#define THRONG_CLI_RUN_CLI_H_

namespace throng::cli {

// Parses the arguments, runs the command they name, writes to stdout and stderr, and returns the
// exit code (kExitOk, kExitFailed, kExitUsage of cli/client.h). Throws nothing. Thread-safe apart
// from what is shared by nature: the standard streams, the environment and files.
int RunCli(int argc, const char* const* argv);

}  // namespace throng::cli

#endif  // THRONG_CLI_RUN_CLI_H_
