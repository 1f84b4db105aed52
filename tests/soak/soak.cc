// Runs a throngd of its own under a mixed load for a long time and says whether it took ever more.
//
//   soak --minutes=30 --users=200000 --seed=1 --dir=/var/tmp/throng-soak
//        [--fold-log-bytes=16777216] [--server=THRONGD]
//
// Writers change, link, erase and load users, readers count, break down, show and export them, one
// tag is replaced every minute, a backup is made every three minutes (the last two are kept). Every
// 15 s it notes memory, descriptors, threads, the log and the directory, every minute it prints
// them. At the end the last third of the time is compared with the middle one.
//
// Exit code 0: flat, every call succeeded, the population is what it must be, throngd stopped with
// 0, and `throngd verify` finds the directory sound. 1: something of this is not so; the directory
// stays. 2: wrong usage. SIGINT and SIGTERM end the time early, with the same report.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/flags.h"
#include "fmt/format.h"
#include "tests/e2e/child_process.h"
#include "tests/soak/soak_client.h"
#include "tests/soak/soak_load.h"
#include "tests/soak/soak_sample.h"

namespace throng::soak {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Options {
  milliseconds time{0};
  uint32_t users = 0;
  uint64_t seed = 0;
  uint64_t fold_log_bytes = 0;
  std::string directory;
  std::string server;
};

std::atomic<bool> is_interrupted = false;

void Interrupt(int) { is_interrupted = true; }

double Mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

double Milliseconds(const google::protobuf::Duration& time) {
  return static_cast<double>(time.seconds()) * 1e3 + time.nanos() / 1e6;
}

// Whether the directory is missing or holds nothing but what a run before left there.
bool IsOurs(const std::string& directory) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (name != "data" && name != "backups" && name != "port") return false;
  }
  return !error || error == std::errc::no_such_file_or_directory;
}

// One run. Not thread-safe.
class Soak {
 public:
  explicit Soak(const Options& options)
      : options_(options),
        data_(options.directory + "/data"),
        backups_(options.directory + "/backups") {}

  // The exit code.
  int Run() {
    if (!IsOurs(options_.directory)) {
      fmt::print(stderr, "{} holds what no soak made: name another directory\n",
                 options_.directory);
      return 2;
    }
    fs::remove_all(options_.directory);
    fs::create_directories(options_.directory);
    if (Start()) {
      LoadUntilTheEnd();
      Compare();
      Stop();
    }
    for (const std::string& failure : failures_) fmt::print("FAILED: {}\n", failure);
    if (failures_.empty()) {
      fs::remove_all(options_.directory);
      return 0;
    }
    std::string log = server_ ? server_->error_output() : "";
    if (log.size() > kLogBytesShown) log.erase(0, log.size() - kLogBytesShown);
    fmt::print("seed {}; the data is kept in {}; the server said at last:\n{}\n", options_.seed,
               options_.directory, log);
    return 1;
  }

 private:
  static constexpr size_t kLogBytesShown = 4000;
  static constexpr int kSamplesPerRow = 4;

  void Fail(std::string failure) { failures_.push_back(std::move(failure)); }
  bool Check(const std::string& where, const absl::Status& status) {
    if (!status.ok()) Fail(fmt::format("{}: {}", where, std::string(status.message())));
    return status.ok();
  }

  // A server and its population; false if there is none.
  bool Start() {
    const std::string port_file = options_.directory + "/port";
    // A session of its own, so that Ctrl-C at a terminal ends the load and not the server.
    server_ = std::make_unique<e2e::ChildProcess>(std::vector<std::string>{
        "/usr/bin/setsid", options_.server, "--data-dir", data_, "--backup-dir", backups_,
        "--listen", "127.0.0.1:0", "--port-file", port_file, "--fold-log-bytes",
        std::to_string(options_.fold_log_bytes)});
    const auto end = Clock::now() + std::chrono::minutes(1);
    int port = 0;
    while (!(std::ifstream(port_file) >> port)) {
      const bool is_gone = server_->Wait(milliseconds(5));
      if (!is_gone && Clock::now() < end) continue;
      Fail(fmt::format("{} does not listen", options_.server));
      return false;
    }
    const std::string address = fmt::format("127.0.0.1:{}", port);
    const auto part = [&](int of, int seconds_max) {
      return std::min<milliseconds>(options_.time / of, std::chrono::seconds(seconds_max));
    };
    sample_interval_ = part(8, 15);
    load_ = std::make_unique<SoakLoad>(LoadOptions{.address = address,
                                                   .backup_directory = backups_,
                                                   .users = options_.users,
                                                   .seed = options_.seed,
                                                   .replace_interval = part(6, 60),
                                                   .backup_interval = part(4, 180)});
    client_ = std::make_unique<SoakClient>(address);
    const auto start = Clock::now();
    if (!Check("waiting for the server", AwaitServing(end)) ||
        !Check("filling the population", load_->Fill())) {
      return false;
    }
    fmt::print("{} users in {:.1f} s; throngd {} at {}, log folded at {} bytes\n", options_.users,
               std::chrono::duration<double>(Clock::now() - start).count(), server_->pid(), address,
               options_.fold_log_bytes);
    return true;
  }

  // Until it has loaded what it has: nothing.
  absl::Status AwaitServing(Clock::time_point end) const {
    while (true) {
      const absl::Status status = client_->Count("all()").status();
      if (!absl::IsUnavailable(status) || Clock::now() > end) return status;
      std::this_thread::sleep_for(milliseconds(20));
    }
  }

  void LoadUntilTheEnd() {
    const auto start = Clock::now();
    auto next_sample = start + sample_interval_;
    PrintHead();
    load_->Start();
    while (Clock::now() < start + options_.time && !is_interrupted && load_->failure().empty()) {
      if (server_->Wait(milliseconds(50))) break;
      if (Clock::now() < next_sample) continue;
      next_sample += sample_interval_;
      const std::chrono::duration<double> seconds = Clock::now() - start;
      if (!Check(fmt::format("after {:.0f} s", seconds.count()), TakeSample(seconds.count())))
        break;
      if (samples_.size() % kSamplesPerRow == 0) PrintRow();
    }
    load_->Stop();
    const std::chrono::duration<double> seconds = Clock::now() - start;
    const std::string when = fmt::format("after {:.0f} s", seconds.count());
    if (!load_->failure().empty()) Fail(fmt::format("{}: {}", when, load_->failure()));
    if (server_->exit_code()) {
      Fail(fmt::format("{}: throngd ended by itself with {}", when, *server_->exit_code()));
    }
    fmt::print("{}{}\n", is_interrupted ? "interrupted " : "", when);
    const std::vector<uint64_t> calls = load_->calls();
    for (size_t i = 0; i < calls.size(); ++i)
      fmt::print("  {:<12}{:>10}\n", kCallNames[i], calls[i]);
  }

  absl::Status TakeSample(double seconds) {
    Sample sample{.seconds = seconds};
    absl::Status status = ReadProcess(server_->pid(), &sample);
    if (!status.ok()) return status;
    const absl::StatusOr<v1::ServerStats> stats = client_->GetStats();
    if (!stats.ok()) return stats.status();
    const v1::PopulationStats& population = stats->populations(0);
    const v1::MemoryStats& memory = population.memory();
    sample.directory_bytes = DirectoryBytes(data_);
    sample.log_bytes = population.log_bytes();
    sample.leased_versions = population.leased_versions();
    sample.bitmap_bytes =
        memory.bitmap_blocks() + memory.bitmap_deltas() + memory.bitmap_overhead();
    sample.column_bytes = memory.columns() + memory.column_deltas();
    sample.dictionary_bytes = memory.dictionary() + memory.value_dictionaries();
    sample.folded_version = population.folded_version();
    sample.commits = population.commits().count();
    sample.commit_mean_ms = Milliseconds(population.commits().mean_time());
    sample.commit_max_ms = Milliseconds(population.commits().max_time());
    sample.last_fold_ms = Milliseconds(population.last_fold_time());
    sample.calls = load_->calls();
    samples_.push_back(std::move(sample));
    folded_versions_.insert(population.folded_version());
    return absl::OkStatus();
  }

  static void PrintHead() {
    fmt::print(
        "MiB of: resident memory, log, directory, bitmaps, columns, ids. Commits: all, mean and "
        "max ms.\nFolds: at least so many, the last one's ms. Then calls so far.\n{:>6} {:>7} "
        "{:>4} "
        "{:>4} {:>6} {:>6} {:>7} {:>6} {:>6} {:>6} {:>8} {:>6} {:>7} {:>5} {:>6}",
        "min", "rss", "fds", "thr", "log", "leased", "dir", "bits", "cols", "ids", "commits",
        "mean", "max", "folds", "fold");
    for (const char* name : kCallNames) fmt::print(" {:>11}", name);
    fmt::print("\n");
    std::fflush(stdout);
  }

  void PrintRow() const {
    const Sample& s = samples_.back();
    fmt::print(
        "{:>6.1f} {:>7.1f} {:>4} {:>4} {:>6.1f} {:>6} {:>7.1f} {:>6.1f} {:>6.1f} {:>6.1f} {:>8} "
        "{:>6.2f} {:>7.1f} {:>5} {:>6.0f}",
        s.seconds / 60, Mebibytes(s.resident_bytes), s.descriptors, s.threads,
        Mebibytes(s.log_bytes), s.leased_versions, Mebibytes(s.directory_bytes),
        Mebibytes(s.bitmap_bytes), Mebibytes(s.column_bytes), Mebibytes(s.dictionary_bytes),
        s.commits, s.commit_mean_ms, s.commit_max_ms, folded_versions_.size(), s.last_fold_ms);
    for (uint64_t calls : s.calls) fmt::print(" {:>11}", calls);
    fmt::print("\n");
    std::fflush(stdout);
  }

  void Compare() {
    if (AreTooFew(samples_)) {
      fmt::print("growth is not compared: that takes {:.0f} minutes at least\n",
                 3 * kThirdSeconds / 60);
      return;
    }
    const size_t failures = failures_.size();
    for (const Trend& trend : CompareThirds(samples_, options_.fold_log_bytes)) {
      fmt::print("{}\n", trend.ToString());
      if (!trend.is_flat()) Fail(fmt::format("it grew: {}", trend.ToString()));
    }
    if (failures_.size() == failures) fmt::print("flat\n");
  }

  void Stop() {
    if (server_->exit_code()) return;
    if (Check("at the end", load_->CheckInvariants()))
      fmt::print("the population is as expected\n");
    const std::vector<uint64_t> calls = load_->calls();
    for (Call call : {Call::kWrite, Call::kErase, Call::kPinned, Call::kBackup, Call::kReplace}) {
      const auto kind = static_cast<size_t>(call);
      if (calls[kind] == 0 && !is_interrupted)
        Fail(fmt::format("no {} succeeded", kCallNames[kind]));
    }
    client_.reset();
    server_->Signal(SIGTERM);
    if (!server_->Wait(std::chrono::minutes(2))) {
      Fail("throngd does not stop within 2 minutes of SIGTERM");
      return;
    }
    if (*server_->exit_code() != 0) {
      Fail(fmt::format("throngd stopped with exit code {}", *server_->exit_code()));
    }
    e2e::ChildProcess verify({options_.server, "verify", data_});
    if (!verify.Wait(std::chrono::minutes(10)) || *verify.exit_code() != 0) {
      Fail(fmt::format("throngd verify {} ends with {}: {}{}", data_,
                       verify.exit_code().value_or(-1), verify.output(), verify.error_output()));
      return;
    }
    fmt::print("throngd stopped with exit code {}; its directory is sound\n",
               *server_->exit_code());
  }

  const Options options_;
  const std::string data_;
  const std::string backups_;
  milliseconds sample_interval_{0};
  std::unique_ptr<e2e::ChildProcess> server_;
  std::unique_ptr<SoakClient> client_;
  std::unique_ptr<SoakLoad> load_;
  std::vector<Sample> samples_;
  std::set<uint64_t> folded_versions_;
  std::vector<std::string> failures_;
};

// A number of minutes of more than 0, with a fraction.
bool ReadMinutes(const std::string& text, milliseconds* time) {
  char* end = nullptr;
  const double minutes = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(minutes > 0 && minutes <= 100'000)) return false;
  *time = milliseconds(static_cast<int64_t>(minutes * 60'000));
  return time->count() > 0;
}

}  // namespace
}  // namespace throng::soak

int main(int argc, char** argv) {
  using throng::bench::TakeNumber;
  using throng::bench::TakeText;
  throng::soak::Options options;
  const std::string minutes = TakeText(&argc, argv, "minutes").value_or("30");
  const uint64_t users = TakeNumber(&argc, argv, "users", 200'000);
  options.users = static_cast<uint32_t>(users);
  options.seed = TakeNumber(&argc, argv, "seed", 1);
  options.fold_log_bytes = TakeNumber(&argc, argv, "fold-log-bytes", 16 << 20);
  options.directory = TakeText(&argc, argv, "dir").value_or("");
  options.server = TakeText(&argc, argv, "server").value_or(THRONG_SERVER_PROGRAM);
  const bool are_users_right = users >= throng::soak::SoakLoad::kUsersMin && users <= 100'000'000;
  if (argc != 1 || options.directory.empty() || !are_users_right ||
      !throng::soak::ReadMinutes(minutes, &options.time)) {
    fmt::print(stderr,
               "usage: soak --dir=DIR [--minutes=M] [--users=N] [--seed=S] [--fold-log-bytes=B] "
               "[--server=THRONGD]\nDIR is made anew and removed when all is well; M may be 0.2; N "
               "is 500 to 100,000,000\n");
    return 2;
  }
  struct sigaction action = {};
  action.sa_handler = throng::soak::Interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return throng::soak::Soak(options).Run();
}
