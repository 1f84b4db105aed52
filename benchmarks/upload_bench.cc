// Uploads: how long the engine takes for lists of ids, and how much memory.
//
//   build/bench/bin/upload_bench --users=2000000 --ids=1000000 --seed=1
//   --dir=/var/tmp/throng-upload
//
// Users with numeric ids in one population, with texts of 64 hexadecimal digits in another one, of
// which a tenth are linked as ids of a declared type. Uploads --ids random ones of them in frames
// of 16,384, as numbers, as texts and by the declared type, then as many that are nobody's and
// wait; --many more of those in one upload. `add` is the time of all frames, `finish` of what makes
// the version, commit included; memory is what the process grew by at most. The directory is made
// anew and removed at the end.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/flags.h"
#include "fmt/format.h"
#include "server/engine/engine.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kFirstId = 10'000'000;
constexpr uint32_t kFrameIds = 16'384;
constexpr uint32_t kLinkIds = 10'000;

void MustBeOk(const absl::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "{}\n", status.ToString());
  std::exit(1);
}
template <typename T>
T Must(absl::StatusOr<T> result) {
  MustBeOk(result.status());
  return *std::move(result);
}

double Milliseconds(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// A text of 64 hexadecimal digits, another one for each number.
std::string HashText(uint64_t number) {
  std::string text;
  for (uint64_t i = 1; i <= 4; ++i) {
    uint64_t x = (number + 1) * 0x9E3779B97F4A7C15 * i;
    x ^= x >> 29;
    text += fmt::format("{:016x}", x * 0xBF58476D1CE4E5B9);
  }
  return text;
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// The most that the process grows by while this lives.
class GrowthMeter {
 public:
  GrowthMeter() : begin_(ResidentBytes()), sampler_([this] { Sample(); }) {}
  ~GrowthMeter() { Stop(); }
  double Megabytes() {
    Stop();
    return static_cast<double>(most_ - std::min<uint64_t>(begin_, most_)) / 1e6;
  }

 private:
  void Sample() {
    while (!stops_) {
      most_ = std::max<uint64_t>(most_, ResidentBytes());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void Stop() {
    stops_ = true;
    if (sampler_.joinable()) sampler_.join();
  }

  const uint64_t begin_;
  std::atomic<uint64_t> most_{0};
  std::atomic<bool> stops_{false};
  std::thread sampler_;
};

using IdText = std::function<std::string(uint64_t)>;

// A frame of texts, laid end to end.
struct TextFrame {
  std::string data;
  std::vector<uint32_t> ends;
};

TextFrame FrameOf(const std::vector<uint64_t>& numbers, size_t begin, const IdText& text) {
  TextFrame frame;
  for (size_t i = begin; i < std::min<size_t>(numbers.size(), begin + kFrameIds); ++i) {
    frame.data += text(numbers[i]);
    frame.ends.push_back(static_cast<uint32_t>(frame.data.size()));
  }
  return frame;
}

class Bench {
 public:
  Bench(const std::string& directory, uint32_t users, uint64_t seed)
      : engine_(Must(engine::Engine::Open({.directory = directory}))),
        users_(users),
        random_(seed) {}

  void Load() {
    MustBeOk(engine_->populations()
                 .Create(context_, {.name = "texts", .primary_id_type = "sha256"}, "")
                 .status());
    LoadInto("default");
    LoadInto("texts");
    MustBeOk(engine_->identities().CreateIdType(context_, "texts", {.name = "phone"}, {}).status());
    for (uint32_t begin = 0; begin < users_ / 10; begin += kLinkIds) {
      engine::LinkRequest link{.population = "texts", .unknown_ids = engine::UnknownIds::kError};
      for (uint32_t i = begin; i < std::min(begin + kLinkIds, users_ / 10); ++i) {
        link.users.push_back({HashText(i), {{"phone", fmt::format("{}", kFirstId + i)}}});
      }
      MustBeOk(engine_->identities().Link(context_, link).status());
    }
  }

  std::vector<uint64_t> Random(size_t count, uint64_t end) {
    std::vector<uint64_t> numbers(count);
    for (uint64_t& number : numbers) number = random_() % end;
    return numbers;
  }

  void Numbers(std::string_view name, const std::vector<uint64_t>& numbers) {
    std::vector<uint64_t> ids = numbers;
    for (uint64_t& id : ids) id += kFirstId;
    Measure(name, {.crowd = "numbers"}, [&](engine::UploadSession& session) {
      double spent = 0;
      for (size_t begin = 0; begin < ids.size(); begin += kFrameIds) {
        const auto frame = std::span<const uint64_t>(ids).subspan(
            begin, std::min<size_t>(kFrameIds, ids.size() - begin));
        const auto start = Clock::now();
        MustBeOk(session.Add(context_, frame));
        spent += Milliseconds(start);
      }
      return spent;
    });
  }

  // Making the texts is not measured.
  void Texts(std::string_view name, engine::UploadRequest request,
             const std::vector<uint64_t>& numbers, const IdText& text) {
    request.population = "texts";
    Measure(name, request, [&](engine::UploadSession& session) {
      double spent = 0;
      for (size_t begin = 0; begin < numbers.size(); begin += kFrameIds) {
        const TextFrame frame = FrameOf(numbers, begin, text);
        const auto start = Clock::now();
        MustBeOk(session.Add(context_, engine::TextsView{.data = frame.data, .ends = frame.ends}));
        spent += Milliseconds(start);
      }
      return spent;
    });
  }

  void Refresh(const std::string& crowd) {
    GrowthMeter growth;
    const auto start = Clock::now();
    MustBeOk(engine_->crowds()
                 .Refresh(context_, {.population = "texts", .names = {crowd}}, {})
                 .status());
    fmt::print("{:<34} {:>10.0f} ms, {:.0f} MB more memory\n", "refresh, all still nobody's",
               Milliseconds(start), growth.Megabytes());
  }

 private:
  void LoadInto(const std::string& population) {
    MustBeOk(engine_->tags()
                 .Create(context_, population, {.name = "flag", .type = index::TagType::kFlag}, {})
                 .status());
    auto load = Must(engine_->writer().StartLoad(
        context_,
        {.population = population, .unknown_ids = engine::UnknownIds::kCreate, .tags = {"flag"}}));
    for (uint32_t begin = 0; begin < users_; begin += engine::kBatchRowsMax) {
      std::vector<uint64_t> ids;
      TextFrame texts;
      for (uint32_t i = begin; i < std::min(users_, begin + engine::kBatchRowsMax); ++i) {
        ids.push_back(kFirstId + i);
        if (population == "default") continue;
        texts.data += HashText(i);
        texts.ends.push_back(static_cast<uint32_t>(texts.data.size()));
      }
      engine::ColumnBatch batch{.number = begin / engine::kBatchRowsMax + 1};
      batch.ids = std::span<const uint64_t>(ids);
      if (population != "default") {
        batch.ids = engine::TextsView{.data = texts.data, .ends = texts.ends};
      }
      MustBeOk(load->Write(context_, batch).status());
    }
    MustBeOk(load->Finish(context_).status());
  }

  void Measure(std::string_view name, engine::UploadRequest request,
               const std::function<double(engine::UploadSession&)>& add) {
    request.create = engine::CreateCrowd{};
    GrowthMeter growth;
    const auto session = Must(engine_->uploads().Start(context_, request, {}));
    const double added = add(*session);
    const auto start = Clock::now();
    const engine::UploadInfo info = Must(session->Finish(context_));
    fmt::print("{:<34} {:>10.0f} ms add, {:>8.0f} ms finish, {} matched, {} unknown, {:.0f} MB\n",
               name, added, Milliseconds(start), info.record.matched, info.record.unknown,
               growth.Megabytes());
  }

  const engine::CallContext context_ = engine::CallContext::Internal();
  const std::unique_ptr<engine::Engine> engine_;
  const uint32_t users_;
  std::mt19937_64 random_;
};

int Run(int argc, char** argv) {
  const auto users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", 2'000'000));
  const uint64_t ids = TakeNumber(&argc, argv, "ids", 1'000'000);
  const uint64_t many = TakeNumber(&argc, argv, "many", 10'000'000);
  const uint64_t seed = TakeNumber(&argc, argv, "seed", 1);
  const std::string directory = TakeText(&argc, argv, "dir").value_or("/tmp/throng_upload_bench");
  if (argc > 1 || users < 10 || ids == 0) {
    fmt::print(stderr,
               "usage: upload_bench [--users=N] [--ids=N] [--many=N] [--seed=N] [--dir=DIR]\n");
    return 2;
  }
  std::filesystem::remove_all(directory);
  {
    Bench bench(directory, users, seed);
    bench.Load();
    for (int round = 0; round < 3; ++round) {
      bench.Numbers("numbers", bench.Random(ids, users));
      bench.Texts("texts of 64 digits", {.crowd = "t"}, bench.Random(ids, users), HashText);
      bench.Texts("texts of a declared type", {.crowd = "d", .id_type = "phone"},
                  bench.Random(ids, users / 10),
                  [](uint64_t number) { return fmt::format("{}", kFirstId + number); });
    }
    std::vector<uint64_t> nobody(ids);
    for (uint64_t i = 0; i < ids; ++i) nobody[i] = users + i;
    bench.Texts("texts of nobody, kept", {.crowd = "k", .keep_unknown = true}, nobody, HashText);
    if (many > 0) {
      nobody.resize(many);
      for (uint64_t i = 0; i < many; ++i) nobody[i] = users + i;
      bench.Texts("many texts of nobody, kept", {.crowd = "m", .keep_unknown = true}, nobody,
                  HashText);
      bench.Refresh("m");
    }
  }
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) { return throng::bench::Run(argc, argv); }
