// Kills throngd at random moments under load and checks, after each start, that it holds what it
// acknowledged and nothing else.
//
//   crash_harness --cycles=1000 --seed=1 --dir=/var/tmp/throng-crash
//
// Several writers call at once, each with users, tags and crowds of its own (crash_writer.h). What
// they were told goes to an expected-state file outside the server, synced before the next call. A
// call that was not answered may have happened or not, but only as a whole; calls about crowds
// carry a request id, and are sent again after the start. Backups are made meanwhile: one that is
// listed after the kill is whole, and now and then the newest is restored, started and compared.
// Exit code 0: every cycle held.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "tests/crash/crash_client.h"
#include "tests/crash/crash_crowd_client.h"
#include "tests/crash/crash_crowds.h"
#include "tests/crash/crash_writer.h"
#include "tests/e2e/child_process.h"

namespace throng::crash {
namespace {

namespace fs = std::filesystem;

struct Options {
  uint32_t cycles = 25;
  uint64_t seed = 1;
  int writers = 4;
  int users = 60;  // a writer
  std::string directory = "/tmp/throng_crash";
  std::string server = THRONG_SERVER_PROGRAM;
};

[[noreturn]] void Die(const std::string& message) {
  fmt::print(stderr, "{}\n", message);
  std::exit(1);
}

// A call that makes a backup, and what the backup may hold: by writer, what had been answered when
// the call began, or any state after that.
struct BackupCall {
  std::string name;
  bool is_acknowledged = false;
  std::vector<size_t> begins;  // by writer: a place in its states
  std::vector<std::vector<CrashWriter::StateRef>> allowed;
};

class Harness {
 public:
  explicit Harness(const Options& options) : options_(options), random_(options.seed) {
    fs::remove_all(options_.directory);
    fs::create_directories(options_.directory);
    fmt::print("seed {}\n", options_.seed);
    std::fflush(stdout);
    for (int i = 0; i < options_.writers; ++i) {
      writers_.emplace_back(
          i,
          CrashWriter::Options{
              .seed = options_.seed, .users_max = options_.users, .directory = options_.directory},
          [this](const std::string& message) { Fail(message); });
    }
  }

  void Run() {
    const auto start = std::chrono::steady_clock::now();
    for (uint32_t cycle = 0; cycle < options_.cycles; ++cycle) {
      cycle_ = cycle;
      RunCycle();
      if ((cycle + 1) % kRestoreCycles == 0) CheckNewestBackup();
      if ((cycle + 1) % 50 == 0) Report(cycle + 1);
    }
    Start();
    Check();
    server_->Signal(SIGTERM);
    if (!server_->Wait(std::chrono::minutes(1)) || server_->exit_code() != 0) {
      Fail("throngd does not stop well");
    }
    CheckNewestBackup();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    Report(options_.cycles);
    fmt::print("held: {} kills in {:.0f} s, seed {}\n", options_.cycles, seconds.count(),
               options_.seed);
    fs::remove_all(options_.directory);
  }

 private:
  static constexpr uint32_t kRestoreCycles = 10;

  void RunCycle() {
    Start();
    // Now and then the recovery itself is killed.
    if (random_() % 8 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 60));
      Kill();
      return;
    }
    Check();
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (CrashWriter& writer : writers_) {
      writer.BeginCycle();
      threads.emplace_back([this, &writer, &stop] { writer.WriteUntil(address_, stop); });
    }
    const bool backs_up = random_() % 3 != 0;
    if (backs_up) {
      const auto pause = std::chrono::milliseconds(random_() % 40);
      threads.emplace_back([this, pause] { BackUp(pause); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + random_() % (backs_up ? 300 : 150)));
    Kill();
    stop = true;
    for (std::thread& thread : threads) thread.join();
    for (const CrashWriter& writer : writers_) {
      acknowledged_ += writer.acknowledged();
      acknowledged_crowd_calls_ += writer.acknowledged_crowd_calls();
    }
    if (backs_up) NoteWhatBackupMayHold();
  }

  // One backup, under the name that the newest does not have: what a kill left of another is there.
  void BackUp(std::chrono::milliseconds pause) {
    std::this_thread::sleep_for(pause);
    CrashClient client(address_, 0);
    BackupCall& call = called_.emplace();
    call.name = newest_ && newest_->name == "even" ? "odd" : "even";
    for (const CrashWriter& writer : writers_) call.begins.push_back(writer.answered_state());
    call.is_acknowledged = client.CreateBackup(call.name);
    ++(call.is_acknowledged ? backups_made_ : backups_cut_);
  }

  void NoteWhatBackupMayHold() {
    for (size_t i = 0; i < writers_.size(); ++i) {
      called_->allowed.push_back(writers_[i].StatesFrom(called_->begins[i]));
    }
  }

  // What is listed is what was made, and perhaps the one that was not answered.
  void CheckBackups(CrashClient& client) {
    const std::vector<std::string> listed = client.ListBackups();
    const auto is_listed = [&](const BackupCall& call) {
      return std::find(listed.begin(), listed.end(), call.name) != listed.end();
    };
    const bool is_newer = called_ && is_listed(*called_);
    if (called_ && called_->is_acknowledged && !is_newer) {
      Fail(fmt::format("backup {} is not listed", called_->name));
    }
    if (newest_ && !is_listed(*newest_)) Fail(fmt::format("backup {} is gone", newest_->name));
    if (listed.size() != (newest_ ? 1u : 0u) + (is_newer ? 1u : 0u)) {
      Fail(fmt::format("a backup nobody made is listed: {}", fmt::join(listed, " ")));
    }
    if (is_newer) {
      if (newest_) fs::remove_all(BackupPath(newest_->name));
      newest_ = std::move(called_);
    }
    called_.reset();
  }

  // Restores it beside the server's data, which no server runs on, and starts a server there.
  void CheckNewestBackup() {
    if (!newest_) return;
    const std::string restored = options_.directory + "/restored";
    e2e::ChildProcess restore({options_.server, "restore", BackupPath(newest_->name), restored});
    if (!restore.Wait(std::chrono::minutes(1)) || restore.exit_code() != 0) {
      Fail(fmt::format("backup {} is not restored: {}", newest_->name, restore.error_output()));
    }
    StartOn(restored);
    for (const CrashWriter& writer : writers_) {
      CrashClient client(address_, writer.number());
      if (!client.AwaitServing()) Fail("throngd does not serve what was restored");
      CrowdClient crowds(address_, writer.number());
      const CrashState actual{.users = client.Read(), .crowds = crowds.Read()};
      const auto& allowed = newest_->allowed[static_cast<size_t>(writer.number())];
      const bool is_allowed = std::any_of(
          allowed.begin(), allowed.end(),
          [&](const CrashWriter::StateRef& state) { return Difference(*state, actual).empty(); });
      if (is_allowed) continue;
      Fail(fmt::format("backup {}, writer {}: {}", newest_->name, writer.number(),
                       Difference(*allowed.front(), actual)));
    }
    Kill();
    fs::remove_all(restored);
    ++backups_restored_;
  }

  std::string BackupPath(const std::string& name) const {
    return fmt::format("{}/backups/{}", options_.directory, name);
  }

  void Start() { StartOn(options_.directory + "/data"); }

  void StartOn(const std::string& data) {
    const std::string port_file = options_.directory + "/port";
    fs::remove(port_file);
    server_ = std::make_unique<e2e::ChildProcess>(std::vector<std::string>{
        options_.server, "--data-dir", data, "--listen", "127.0.0.1:0", "--port-file", port_file,
        "--fold-log-bytes", "20000", "--backup-dir", options_.directory + "/backups"});
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    int port = 0;
    while (!(std::ifstream(port_file) >> port)) {
      if (std::chrono::steady_clock::now() > end) Fail("throngd does not listen");
      if (server_->Wait(std::chrono::milliseconds(2))) Fail("throngd ended by itself");
    }
    address_ = fmt::format("127.0.0.1:{}", port);
  }

  void Kill() {
    server_->Signal(SIGKILL);
    if (!server_->Wait(std::chrono::minutes(1))) Fail("throngd survives SIGKILL");
  }

  void Check() {
    CrashClient first(address_, 0);
    if (!first.AwaitServing()) Fail("throngd does not serve");
    const uint64_t version = first.DataVersion();
    uint64_t users = 0;
    for (CrashWriter& writer : writers_) {
      CrashClient client(address_, writer.number());
      CrowdClient crowds(address_, writer.number());
      if (version < writer.last_version()) {
        Fail(fmt::format("writer {}: version {} is gone, the newest is {}", writer.number(),
                         writer.last_version(), version));
      }
      // The first of all cycles.
      if (version == 0 || !created_) client.CreateTags();
      writer.Check(client, crowds);
      users += writer.expected().users.size();
    }
    created_ = true;
    CheckBackups(first);
    if (const uint64_t all = first.Count("all()"); all != users) {
      Fail(fmt::format("all() counts {} users, not {}", all, users));
    }
  }

  void Report(uint32_t cycles) const {
    CutCalls writes;
    CutCalls crowds;
    uint64_t retried = 0;
    for (const CrashWriter& writer : writers_) {
      writes.whole += writer.cut_writes().whole;
      writes.absent += writer.cut_writes().absent;
      crowds.whole += writer.cut_crowd_calls().whole;
      crowds.halfway += writer.cut_crowd_calls().halfway;
      crowds.absent += writer.cut_crowd_calls().absent;
      retried += writer.retried();
    }
    fmt::print("{} kills: {} calls acknowledged; of those cut off {} had happened, {} had not\n",
               cycles, acknowledged_, writes.whole, writes.absent);
    fmt::print(
        "{} calls about crowds acknowledged; of those cut off {} had happened, {} had not, {} had "
        "made a crowd without its version; {} sent again\n",
        acknowledged_crowd_calls_, crowds.whole, crowds.absent, crowds.halfway, retried);
    fmt::print("{} backups made, {} cut off, {} restored and compared\n", backups_made_,
               backups_cut_, backups_restored_);
    std::fflush(stdout);
  }

  [[noreturn]] void Fail(const std::string& message) {
    Die(fmt::format("cycle {} of seed {}: {}\nThe data is kept in {}\nThe server said:\n{}", cycle_,
                    options_.seed, message, options_.directory, server_->error_output()));
  }

  const Options options_;
  std::mt19937_64 random_;
  std::deque<CrashWriter> writers_;
  std::unique_ptr<e2e::ChildProcess> server_;
  std::string address_;
  uint32_t cycle_ = 0;
  bool created_ = false;
  uint64_t acknowledged_ = 0;
  uint64_t acknowledged_crowd_calls_ = 0;
  std::optional<BackupCall> called_;  // since the last check
  std::optional<BackupCall> newest_;  // the one there is
  uint64_t backups_made_ = 0;
  uint64_t backups_cut_ = 0;
  uint64_t backups_restored_ = 0;
};

template <typename T>
bool ReadFlag(const char* argument, const char* name, T* value) {
  const size_t length = std::strlen(name);
  if (std::strncmp(argument, name, length) != 0) return false;
  const char* text = argument + length;
  if constexpr (std::is_same_v<T, std::string>) {
    *value = text;
    return true;
  } else {
    const char* end = text + std::strlen(text);
    return std::from_chars(text, end, *value).ptr == end;
  }
}

}  // namespace
}  // namespace throng::crash

int main(int argc, char** argv) {
  throng::crash::Options options;
  for (int i = 1; i < argc; ++i) {
    using throng::crash::ReadFlag;
    if (ReadFlag(argv[i], "--cycles=", &options.cycles)) continue;
    if (ReadFlag(argv[i], "--seed=", &options.seed)) continue;
    if (ReadFlag(argv[i], "--writers=", &options.writers)) continue;
    if (ReadFlag(argv[i], "--dir=", &options.directory)) continue;
    if (ReadFlag(argv[i], "--server=", &options.server)) continue;
    fmt::print(stderr,
               "usage: crash_harness [--cycles=N] [--seed=S] [--writers=N] [--dir=DIR] "
               "[--server=THRONGD]\n");
    return 2;
  }
  throng::crash::Harness(options).Run();
  return 0;
}
