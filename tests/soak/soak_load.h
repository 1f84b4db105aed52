// The mixed load of a soak on a population that stays as large as it is.
//
//   SoakLoad load({.address = "127.0.0.1:7400", .users = 200'000, .seed = 1});
//   absl::Status status = load.Fill();
//   load.Start();
//   while (load.failure().empty() && ...) ...
//   load.Stop();
//   status = load.CheckInvariants();
//
// Every writer has users of its own (the index modulo kWriters), so that what it may expect of an
// answer depends on nobody else. One user in eight is mortal: erased now and then, and written
// again at once.
#ifndef THRONG_TESTS_SOAK_SOAK_LOAD_H_
#define THRONG_TESTS_SOAK_SOAK_LOAD_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "index/mutex.h"
#include "tests/soak/soak_client.h"

namespace throng::soak {

// Kinds of calls that are counted.
enum class Call {
  kWrite,
  kLink,
  kErase,
  kUpsert,
  kReplace,
  kCount,
  kPinned,      // a count at the version of an answer before
  kPinnedGone,  // the same where too many versions had been handed out since
  kBreakdown,
  kPortrait,
  kExport,
  kBackup,
};
inline constexpr size_t kCallKinds = 12;
inline constexpr std::array<const char*, kCallKinds> kCallNames = {
    "writes", "links",       "erasures",   "upserts",   "replaces", "counts",
    "pinned", "pinned_gone", "breakdowns", "portraits", "exports",  "backups"};

struct LoadOptions {
  std::string address;
  std::string backup_directory;
  uint32_t users = 0;
  uint64_t seed = 0;
  std::chrono::milliseconds replace_interval{60'000};
  std::chrono::milliseconds backup_interval{180'000};
};

// failure() and calls() may be called by any thread at any time, the rest by one thread.
class SoakLoad {
 public:
  static constexpr uint32_t kWriters = 4;
  static constexpr uint32_t kReaders = 3;
  // Each writer needs mortal and immortal ones.
  static constexpr uint32_t kUsersMin = 500;

  // REQUIRES: users >= kUsersMin.
  explicit SoakLoad(LoadOptions options);
  SoakLoad(const SoakLoad&) = delete;
  SoakLoad& operator=(const SoakLoad&) = delete;
  // Stops.
  ~SoakLoad();

  // Makes the tags and the population, which is empty.
  absl::Status Fill();
  void Start();
  // Waits for the calls under way. A writer that has erased users writes them again before.
  void Stop();

  // The first call that failed and who called; empty: none. After it nobody calls any more.
  std::string failure() const;
  // By kind.
  std::vector<uint64_t> calls() const;

  // What holds whatever the load did, on one version. Call it when stopped.
  absl::Status CheckInvariants() const;

 private:
  // A thread's own.
  struct Actor {
    uint32_t number = 0;
    std::mt19937_64 random;
    SoakClient client;
    std::set<uint32_t> unlinked;  // writers: users written again that have no phone yet
    uint64_t phones = 0;          // writers: made so far
  };
  using Step = absl::Status (SoakLoad::*)(Actor& actor);

  bool is_stopped() const { return is_stopped_.load(); }
  void Run(const std::string& who, uint32_t number, Step step, std::chrono::milliseconds pause);
  // False when it is stopped first.
  bool Sleep(std::chrono::milliseconds time) const;
  void Tally(Call call) { ++calls_[static_cast<size_t>(call)]; }
  absl::Status TallyIfOk(Call call, absl::Status status);

  absl::Status WriteStep(Actor& actor);
  absl::Status ReadStep(Actor& actor);
  absl::Status ReplaceStep(Actor& actor);
  absl::Status BackupStep(Actor& actor);

  absl::Status WriteSome(Actor& actor);
  absl::Status UpsertSome(Actor& actor);
  absl::Status LinkSome(Actor& actor);
  absl::Status EraseSome(Actor& actor);
  absl::Status CountSome(Actor& actor);
  absl::Status CountPinned(Actor& actor);
  absl::Status BreakDown(Actor& actor);
  absl::Status ShowPortrait(Actor& actor);
  absl::Status ExportSome(Actor& actor);

  // Distinct users of a writer, 1 to `count`; only mortal or only immortal ones if `which` says so.
  enum class Which { kAny, kMortal, kImmortal };
  std::vector<uint32_t> Pick(Actor& actor, uint32_t count, Which which) const;

  const LoadOptions options_;
  std::vector<std::thread> threads_;
  std::atomic<bool> is_stopped_ = false;
  std::array<std::atomic<uint64_t>, kCallKinds> calls_ = {};
  uint32_t generation_ = 0;          // of cohort; the replacing thread's
  std::deque<std::string> backups_;  // kept; the thread's that makes backups
  uint64_t backups_made_ = 0;        // likewise
  mutable index::Mutex mutex_;
  std::string failure_ THRONG_GUARDED_BY(mutex_);
};

}  // namespace throng::soak

#endif  // THRONG_TESTS_SOAK_SOAK_LOAD_H_
