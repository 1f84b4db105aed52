// What throngd does without serving: looks through a data directory, and makes one of a backup.
//
//   return RunVerify("/var/lib/throng", /*json=*/false);
//   return RunRestore("/backups/monday", "/var/lib/throng", "/safe/ERASED", /*json=*/false);
#ifndef THRONG_SERVER_OFFLINE_COMMANDS_H_
#define THRONG_SERVER_OFFLINE_COMMANDS_H_

#include <string>

namespace throng {

// Exit codes of the commands. kExitCannot: wrong usage, or a directory that cannot be used.
inline constexpr int kExitSound = 0;
inline constexpr int kExitFindings = 1;
inline constexpr int kExitCannot = 2;

// Prints what is wrong with the directory to stdout, in JSON if asked to; changes nothing in it.
// Call it from one thread.
int RunVerify(const std::string& directory, bool json);

// Copies a backup into a directory that is absent or empty, loads it and compares its digests.
// kExitFindings when the backup is not what was backed up: nothing is in the directory then. Call
// it from one thread. `ledger`, if not empty, is the ledger of erasures that the next start shall
// follow; kExitCannot when it cannot be used: nothing is restored then.
int RunRestore(const std::string& backup, const std::string& directory, const std::string& ledger,
               bool json);

}  // namespace throng

#endif  // THRONG_SERVER_OFFLINE_COMMANDS_H_
