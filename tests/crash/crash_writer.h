// One writer of the crash harness: it writes users and crowds until the server is killed, keeps
// what it was told in a synced file outside the server, and compares after the next start.
//
//   CrashWriter writer(/*number=*/0, options, fail);
//   writer.BeginCycle();
//   std::thread thread([&] { writer.WriteUntil(address, stop); });
//   ...                                  // the server is killed and started again
//   writer.Check(client, crowds);        // what was acknowledged is there, what was cut is whole
#ifndef THRONG_TESTS_CRASH_CRASH_WRITER_H_
#define THRONG_TESTS_CRASH_CRASH_WRITER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/crash_client.h"
#include "tests/crash/crash_crowd_client.h"
#include "tests/crash/crash_crowds.h"
#include "tests/crash/crash_model.h"

namespace throng::crash {

// Lines that survive the machine. Not thread-safe.
class SyncedFile {
 public:
  // `fail` is called, and must not return, when the file cannot be written.
  SyncedFile(const std::string& path, std::function<void(const std::string&)> fail);
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;
  ~SyncedFile();

  void Append(const std::string& line);

 private:
  const std::function<void(const std::string&)> fail_;
  const int descriptor_;
};

// What became of calls that were not answered.
struct CutCalls {
  uint64_t whole = 0;
  uint64_t halfway = 0;  // a crowd without the version that it was made for
  uint64_t absent = 0;
};

// Thread-compatible; answered_state() and acknowledged() are thread-safe.
class CrashWriter {
 public:
  using Fail = std::function<void(const std::string&)>;
  using StateRef = std::shared_ptr<const CrashState>;

  struct Options {
    uint64_t seed = 1;
    int users_max = 60;
    std::string directory;  // of the file "expected_NUMBER.txt"
  };
  // `fail` is called with what does not hold, from any thread, and must not return.
  CrashWriter(int number, const Options& options, Fail fail);

  int number() const { return number_; }
  const CrashState& expected() const { return expected_; }
  // The newest data version that an answer named.
  uint64_t last_version() const { return last_version_; }
  const CutCalls& cut_writes() const { return cut_writes_; }
  const CutCalls& cut_crowd_calls() const { return cut_crowd_calls_; }
  uint64_t retried() const { return retried_; }

  // Forgets the states of the last cycle.
  void BeginCycle();
  // Calls one after the other until `stop`, or until the server is gone.
  void WriteUntil(const std::string& address, const std::atomic<bool>& stop);
  // Calls of this cycle that were answered: of users, of crowds.
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t acknowledged_crowd_calls() const { return acknowledged_crowd_calls_; }
  // The place of the newest state that was answered among those of this cycle.
  size_t answered_state() const { return answered_state_; }
  // What may be found of somebody who looked after the state at `place` was answered. Call it
  // when WriteUntil is over.
  std::vector<StateRef> StatesFrom(size_t place) const;

  // Compares what the server holds, settles what was cut, and sends crowd calls again: that which
  // was not answered, and that which was answered last, must be answered once and for all.
  void Check(CrashClient& client, CrowdClient& crowds);

 private:
  bool WriteUsers(CrashClient& client);
  bool CallCrowds(CrowdClient& crowds);
  void Keep();
  std::vector<CrashState> CutStates() const;
  void Settle(const CrashState& actual);
  void Acknowledge(const CrowdOperation& operation, const CrowdAnswer& answer);
  void Retry(CrowdClient& crowds);
  CrowdAnswer RunAgain(CrowdClient& crowds, const CrowdOperation& operation);
  void CheckCounts(CrashClient& client) const;

  const int number_;
  const int users_max_;
  const Fail fail_;
  SyncedFile file_;
  std::mt19937_64 random_;
  CrashState expected_;
  uint64_t last_version_ = 0;
  std::optional<Operation> unanswered_;             // one of these at most
  std::optional<CrowdOperation> unanswered_crowd_;  // is set
  std::optional<CrowdOperation> answered_;          // the last one about crowds
  CrowdAnswer answer_;                              // and what was answered first
  uint64_t crowd_calls_ = 0;                        // names what is new
  std::vector<StateRef> states_;                    // of this cycle, at its start and since
  std::atomic<size_t> answered_state_ = 0;
  std::atomic<uint64_t> acknowledged_ = 0;
  std::atomic<uint64_t> acknowledged_crowd_calls_ = 0;
  CutCalls cut_writes_;
  CutCalls cut_crowd_calls_;
  uint64_t retried_ = 0;
};

}  // namespace throng::crash

#endif  // THRONG_TESTS_CRASH_CRASH_WRITER_H_
