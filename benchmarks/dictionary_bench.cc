// The id dictionary against a hash map of the same ids, and against the bytes of the ids alone.
//
//   dictionary_bench --ids=100000000 --seed=1
//
// One kind of id after the other: 8-byte numbers, texts of 16 bytes. Look-ups are of ids drawn at
// random, all of them known, in lists of a million; both sides are asked for the same ones.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "benchmarks/flags.h"
#include "benchmarks/random.h"
#include "fmt/format.h"
#include "index/id_dictionary.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kLookedUp = 1'000'000;
constexpr uint32_t kBatch = 65'536;

double Seconds(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

uint64_t Spread(uint64_t number) { return number * 0x9E37'79B9'7F4A'7C15u; }

// Of user `user`.
uint64_t Number(uint64_t user) { return 100'000'000'000u + user * 7; }
std::string Text(uint64_t user) { return fmt::format("{:016x}", Spread(user)); }

std::vector<uint32_t> Drawn(uint32_t ids, uint64_t seed) {
  Random random(seed);
  std::vector<uint32_t> users(kLookedUp);
  for (uint32_t& user : users) user = static_cast<uint32_t>(random.Next() % ids);
  return users;
}

// Ends the program when a side found others than those asked for: its figures mean nothing.
void ExpectFound(const std::vector<uint32_t>& found, const std::vector<uint32_t>& drawn) {
  if (found == drawn) return;
  fmt::print(stderr, "wrong users were found\n");
  std::exit(1);
}

// What is timed and weighed.
struct Result {
  double build_seconds = 0;
  double look_up_seconds = 0;
  double bytes = 0;  // a user
};

template <typename MakeText>
Result MeasureDictionary(uint32_t ids, const std::vector<uint32_t>& drawn, MakeText make_text) {
  Result result;
  index::IdDictionary dictionary;
  for (uint32_t first = 0; first < ids; first += kBatch) {
    std::vector<std::string> batch;
    for (uint32_t i = first; i < std::min(ids, first + kBatch); ++i) batch.push_back(make_text(i));
    const Clock::time_point start = Clock::now();
    dictionary = dictionary.With(batch);
    result.build_seconds += Seconds(start);
  }
  std::vector<std::string> asked;
  for (const uint32_t user : drawn) asked.push_back(make_text(user));
  std::vector<uint32_t> found(asked.size());
  const Clock::time_point start = Clock::now();
  dictionary.FindAll(
      asked.size(), [&](size_t i, char*) { return index::MakeIdKey(asked[i]); },
      [&](size_t i, const index::IdKey&, std::optional<uint32_t> ordinal) {
        found[i] = ordinal.value_or(ids);
      });
  result.look_up_seconds = Seconds(start);
  ExpectFound(found, drawn);
  result.bytes = static_cast<double>(dictionary.memory_bytes()) / ids;
  return result;
}

template <typename Key, typename MakeKey>
Result MeasureMap(uint32_t ids, const std::vector<uint32_t>& drawn, size_t heap_bytes,
                  MakeKey make_key) {
  Result result;
  absl::flat_hash_map<Key, uint32_t> map;
  Clock::time_point start = Clock::now();
  for (uint32_t i = 0; i < ids; ++i) map.emplace(make_key(i), i);
  result.build_seconds = Seconds(start);
  std::vector<Key> asked;
  for (const uint32_t user : drawn) asked.push_back(make_key(user));
  std::vector<uint32_t> found(asked.size());
  start = Clock::now();
  for (size_t i = 0; i < asked.size(); ++i) found[i] = map.find(asked[i])->second;
  result.look_up_seconds = Seconds(start);
  ExpectFound(found, drawn);
  // A slot and a control byte; Abseil does not tell the heap that a key takes.
  const size_t slot_bytes = sizeof(std::pair<const Key, uint32_t>) + 1;
  result.bytes = static_cast<double>(map.capacity() * slot_bytes) / ids;
  result.bytes += static_cast<double>(heap_bytes);
  return result;
}

void Print(const char* ids, const char* what, const Result& result, size_t id_bytes) {
  fmt::print(
      "{:<16} {:<14} {:>6.1f} bytes a user ({:.1f}x the id), built in {:>6.1f} s, "
      "1,000,000 random in {:.3f} s\n",
      ids, what, result.bytes, result.bytes / static_cast<double>(id_bytes), result.build_seconds,
      result.look_up_seconds);
}

int Main(int argc, char** argv) {
  const auto ids = static_cast<uint32_t>(TakeNumber(&argc, argv, "ids", 10'000'000));
  const uint64_t seed = TakeNumber(&argc, argv, "seed", 1);
  if (argc > 1 || ids == 0) {
    fmt::print(stderr, "usage: dictionary_bench [--ids=N] [--seed=S]\n");
    return 2;
  }
  const std::vector<uint32_t> drawn = Drawn(ids, seed);
  fmt::print("{} ids\n", ids);
  Print("8-byte numbers", "dictionary",
        MeasureDictionary(ids, drawn, [](uint32_t i) { return std::to_string(Number(i)); }), 8);
  Print("8-byte numbers", "flat_hash_map", MeasureMap<uint64_t>(ids, drawn, 0, Number), 8);
  Print("16-byte texts", "dictionary", MeasureDictionary(ids, drawn, Text), 16);
  // malloc gives 32 bytes for the 17 of a text and its end.
  Print("16-byte texts", "flat_hash_map", MeasureMap<std::string>(ids, drawn, 32, Text), 16);
  return 0;
}

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) { return throng::bench::Main(argc, argv); }
