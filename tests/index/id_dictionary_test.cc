#include "index/id_dictionary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "fmt/format.h"
#include "index/id_hash.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

TEST(IdDictionaryTest, FindsWhatWasAdded) {
  IdDictionary empty;
  EXPECT_FALSE(empty.Find(MakeIdKey("a")).has_value());
  const IdDictionary two = empty.With({"a", "17"});
  EXPECT_EQ(two.size(), 2u);
  EXPECT_EQ(two.Find(MakeIdKey("a")), 0u);
  EXPECT_EQ(two.Find(MakeIdKey("17")), 1u);
  EXPECT_EQ(two.text(1), "17");
  char buffer[20];
  EXPECT_EQ(two.Find(MakeIdKey(17, buffer)), 1u) << "a number and its text are one id";
  EXPECT_FALSE(two.Find(MakeIdKey("017")).has_value());
  EXPECT_FALSE(empty.Find(MakeIdKey("a")).has_value()) << "an older copy must not see it";
}

TEST(IdDictionaryTest, NumbersBecomeTextWhenATextJoinsTheirChunk) {
  const IdDictionary numbers = IdDictionary().With({"1", "18446744073709551615", "0"});
  EXPECT_TRUE(numbers.all_numeric());
  const IdDictionary mixed = numbers.With({"x", "18446744073709551616"});
  EXPECT_FALSE(mixed.all_numeric());
  EXPECT_TRUE(numbers.all_numeric());
  EXPECT_EQ(mixed.text(1), "18446744073709551615");
  EXPECT_EQ(mixed.Find(MakeIdKey("18446744073709551616")), 4u);
  EXPECT_EQ(mixed.Find(MakeIdKey("0")), 2u);
  EXPECT_EQ(numbers.Find(MakeIdKey("0")), 2u);
}

TEST(IdDictionaryTest, ExtendingAnOlderCopyGivesUpTheNewerOnes) {
  std::vector<std::string> first;
  std::vector<std::string> given_up;
  for (int i = 0; i < 100'000; ++i) {
    (i < 70'000 ? first : given_up).push_back(std::to_string(i));  // into the second chunk
  }
  given_up.push_back("text");
  const IdDictionary kept = IdDictionary().With(first);
  static_cast<void>(kept.With(given_up));
  const IdDictionary next = kept.With({"text", "69999x", "80000"});
  EXPECT_EQ(next.size(), 70'003);
  for (const IdDictionary& dictionary : {kept, next}) {
    for (uint32_t i = 0; i < 70'000; ++i) {
      ASSERT_EQ(dictionary.Find(MakeIdKey(first[i])), i);
      ASSERT_EQ(dictionary.text(i), first[i]);
    }
    EXPECT_EQ(dictionary.Find(MakeIdKey("70000")), std::nullopt);
    EXPECT_EQ(dictionary.Find(MakeIdKey("99999")), std::nullopt);
  }
  EXPECT_EQ(kept.Find(MakeIdKey("text")), std::nullopt);
  EXPECT_EQ(next.Find(MakeIdKey("text")), 70'000);
  EXPECT_EQ(next.Find(MakeIdKey("69999x")), 70'001);
  EXPECT_EQ(next.Find(MakeIdKey("80000")), 70'002);
}

TEST(IdDictionaryRandomTest, AgreesWithAMapAcrossChunks) {
  std::mt19937_64 random(testing::TestSeed());
  std::unordered_map<std::string, uint32_t> model;
  IdDictionary dictionary;
  while (dictionary.size() < 2 * kChunkSize + 500) {
    std::vector<std::string> ids;
    for (uint64_t i = 1 + random() % 20'000; i > 0; --i) {
      // The first chunk holds numbers only.
      const std::string id = dictionary.size() + ids.size() < kChunkSize || random() % 2 == 0
                                 ? std::to_string(random() % 1'000'000'000)
                                 : fmt::format("u{:x}", random());
      const auto ordinal = static_cast<uint32_t>(dictionary.size() + ids.size());
      if (model.emplace(id, ordinal).second) ids.push_back(id);
    }
    dictionary = dictionary.With(ids);
  }
  for (const auto& [id, ordinal] : model) {
    ASSERT_EQ(dictionary.Find(MakeIdKey(id)), ordinal) << id;
    ASSERT_EQ(dictionary.text(ordinal), id);
    ASSERT_EQ(dictionary.hash(ordinal), IdHash(id));
  }
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_FALSE(dictionary.Find(MakeIdKey(fmt::format("absent{}", i))).has_value());
  }
}

TEST(IdDictionaryTest, ReadersOfOldCopiesRunBesideTheWriter) {
  IdDictionary dictionary = IdDictionary().With({"first"});
  const IdDictionary old = dictionary;
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    while (!stop.load()) {
      if (old.Find(MakeIdKey("first")) != 0u) ++wrong;
      if (old.Find(MakeIdKey("later77")).has_value()) ++wrong;
    }
  });
  for (int batch = 0; batch < 50; ++batch) {
    std::vector<std::string> ids;
    for (int i = 0; i < 1000; ++i) ids.push_back(fmt::format("later{}", batch * 1000 + i));
    dictionary = dictionary.With(ids);
  }
  stop.store(true);
  reader.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(dictionary.Find(MakeIdKey("later49999")), 50'000u);
}

TEST(IdDictionaryTest, AnErasedIdIsNobodysAndComesBackAsANewOne) {
  for (const std::string_view other : {"x", "2"}) {  // a chunk of texts, a chunk of numbers
    const IdDictionary before = IdDictionary().With({std::string(other), "17", "18"});
    const IdDictionary after = before.Without({1});
    EXPECT_EQ(after.size(), 3u);
    EXPECT_FALSE(after.Find(MakeIdKey("17")).has_value());
    EXPECT_TRUE(after.erased(1));
    EXPECT_EQ(after.text(1), "");
    EXPECT_EQ(after.Find(MakeIdKey("18")), 2u);
    EXPECT_EQ(before.Find(MakeIdKey("17")), 1u) << "an older copy keeps it";
    const IdDictionary again = after.With({"17"});
    EXPECT_EQ(again.Find(MakeIdKey("17")), 3u);
    EXPECT_EQ(before.Find(MakeIdKey("17")), 1u);
    const IdDictionary mixed = again.With({"y"}).Without({0, 3});
    EXPECT_FALSE(mixed.Find(MakeIdKey("17")).has_value());
    EXPECT_TRUE(mixed.erased(1)) << "a chunk that becomes text keeps its holes";
    EXPECT_EQ(mixed.Find(MakeIdKey("y")), 4u);
  }
}

TEST(IdDictionaryRandomTest, AgreesWithAMapUnderErasures) {
  std::mt19937_64 random(testing::TestSeed());
  std::unordered_map<std::string, uint32_t> model;
  std::vector<std::string> texts;  // by ordinal; empty: erased
  IdDictionary dictionary;
  for (int round = 0; round < testing::TestRounds(120); ++round) {
    std::vector<std::string> ids;
    for (uint64_t i = random() % 2000; i > 0; --i) {
      const std::string id = round < 40 || random() % 2 == 0
                                 ? std::to_string(random() % 50'000)
                                 : fmt::format("u{}", random() % 50'000);
      if (!model.emplace(id, static_cast<uint32_t>(texts.size())).second) continue;
      ids.push_back(id);
      texts.push_back(id);
    }
    dictionary = dictionary.With(ids);
    std::vector<uint32_t> erased;
    for (uint32_t ordinal = 0; ordinal < texts.size(); ++ordinal) {
      if (random() % 400 != 0) continue;
      erased.push_back(ordinal);
      model.erase(texts[ordinal]);
      texts[ordinal].clear();
    }
    dictionary = dictionary.Without(erased);
  }
  for (uint32_t ordinal = 0; ordinal < texts.size(); ++ordinal) {
    ASSERT_EQ(dictionary.text(ordinal), texts[ordinal]);
    ASSERT_EQ(dictionary.erased(ordinal), texts[ordinal].empty());
  }
  for (uint32_t i = 0; i < 50'000; ++i) {
    for (const std::string& id : {std::to_string(i), fmt::format("u{}", i)}) {
      const auto known = model.find(id);
      const auto found = dictionary.Find(MakeIdKey(id));
      ASSERT_EQ(found.has_value(), known != model.end()) << id;
      ASSERT_EQ(found.value_or(0), known == model.end() ? 0 : known->second) << id;
    }
  }
}

// Numbers, texts and erased ones, in chunks of one kind and mixed.
std::vector<std::string> IdsToLoad(uint32_t count, std::mt19937_64& random) {
  std::vector<std::string> ids;
  for (uint32_t i = 0; i < count; ++i) {
    const bool is_mixed = (i >> kChunkBits) % 2 == 1;
    if (random() % 50 == 0) {
      ids.emplace_back();
    } else if (is_mixed && random() % 3 == 0) {
      ids.push_back(fmt::format("user-{}", i));
    } else {
      ids.push_back(std::to_string(uint64_t{i} * 7919));
    }
  }
  return ids;
}

// The ids as a list of texts, or of numbers where all are.
IdList ListOf(const std::vector<std::string>& ids, bool as_numbers) {
  IdList texts = IdList::FromTexts(ids);
  EXPECT_EQ(texts.ToTexts(), ids);
  if (!as_numbers) return texts;
  IdList numbers;
  numbers.erased = texts.erased;
  for (const std::string& id : ids) {
    const std::optional<uint64_t> number = MakeIdKey(id).number;
    if (!number.has_value() && !id.empty()) return texts;
    numbers.numbers.push_back(number.value_or(0));
  }
  EXPECT_EQ(numbers.ToTexts(), ids);
  return numbers;
}

TEST(IdListTest, IsCutToItsFirstIds) {
  for (const bool as_numbers : {false, true}) {
    IdList ids = ListOf({"7", "", "8", ""}, as_numbers);
    EXPECT_EQ(ids.size(), 4u);
    ids.Truncate(4);
    EXPECT_EQ(ids.ToTexts(), (std::vector<std::string>{"7", "", "8", ""}));
    ids.Truncate(2);
    EXPECT_EQ(ids.ToTexts(), (std::vector<std::string>{"7", ""}));
    ids.Truncate(0);
    EXPECT_EQ(ids.size(), 0u);
    EXPECT_TRUE(ids.ToTexts().empty());
  }
}

TEST(IdDictionaryRandomTest, LoadingGivesWhatAddingGives) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  for (const uint32_t count :
       {0u, 1u, 12'000u, kChunkSize - 1, kChunkSize, kChunkSize + 1, 300'000u}) {
    const std::vector<std::string> ids = IdsToLoad(count, random);
    const IdDictionary added = IdDictionary().With(ids);
    Parallel parallel(3);
    uint32_t told = 0;
    const absl::StatusOr<IdDictionary> loaded = IdDictionary::Load(
        count,
        [&](uint32_t chunk) -> absl::StatusOr<IdList> {
          const auto first = ids.begin() + (static_cast<ptrdiff_t>(chunk) << kChunkBits);
          return ListOf({first, first + std::min<ptrdiff_t>(kChunkSize, ids.end() - first)},
                        chunk % 4 == 0);
        },
        [&](uint32_t done) { told = done; }, parallel, /*chunks_at_once=*/2);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    ASSERT_EQ(loaded->size(), count) << "seed " << seed;
    EXPECT_EQ(told, count);
    for (uint32_t i = 0; i < count; ++i) {
      ASSERT_EQ(loaded->text(i), ids[i]) << i << ", seed " << seed;
      ASSERT_EQ(loaded->erased(i), added.erased(i)) << i << ", seed " << seed;
    }
    // Known ones, and some that nobody has, in groups and one by one.
    std::vector<std::string> asked = ids;
    for (uint32_t i = 0; i < 100; ++i) asked.push_back(fmt::format("nobody-{}", i));
    const auto make_key = [&](size_t i, char*) { return MakeIdKey(asked[i]); };
    size_t next = 0;
    const auto compare = [&](size_t i, const IdKey& key, std::optional<uint32_t> found) {
      ASSERT_EQ(i, next++);
      ASSERT_EQ(found, added.Find(key)) << asked[i] << ", seed " << seed;
    };
    loaded->FindAll(asked.size(), make_key, compare);
    EXPECT_EQ(next, asked.size());
    const IdDictionary longer = loaded->With({"one-more"});
    EXPECT_EQ(longer.Find(MakeIdKey("one-more")), count) << "seed " << seed;
    const IdDictionary other = loaded->With({"another"});
    EXPECT_EQ(other.Find(MakeIdKey("another")), count) << "seed " << seed;
    EXPECT_FALSE(other.Find(MakeIdKey("one-more")).has_value()) << "seed " << seed;
    if (count == 0 || loaded->erased(count - 1)) continue;
    const IdDictionary fewer = other.Without({count - 1});
    EXPECT_FALSE(fewer.Find(MakeIdKey(ids[count - 1])).has_value()) << "seed " << seed;
    EXPECT_EQ(other.Find(MakeIdKey(ids[count - 1])), count - 1) << "seed " << seed;
  }
}

TEST(IdDictionaryTest, LoadingGivesTheErrorOfAChunk) {
  Parallel parallel(2);
  const absl::StatusOr<IdDictionary> loaded = IdDictionary::Load(
      3 * kChunkSize,
      [](uint32_t chunk) -> absl::StatusOr<IdList> {
        if (chunk == 1) return absl::DataLossError("chunk 1");
        IdList ids;
        for (uint32_t i = 0; i < kChunkSize; ++i) {
          ids.numbers.push_back((uint64_t{chunk} << kChunkBits) + i);
        }
        return ids;
      },
      [](uint32_t) {}, parallel);
  EXPECT_EQ(loaded.status(), absl::DataLossError("chunk 1"));
}

TEST(IdHashTest, MatchesTheDocumentedVectors) {
  // XXH64 of the empty text with seed 0 is published with the algorithm.
  EXPECT_EQ(IdHash(""), 0xef46db3751d8e999ULL);
  std::vector<int> counts(10);
  for (int i = 0; i < 100'000; ++i) {
    const uint32_t bucket = BucketOf(IdHash(std::to_string(i)), SaltHash("s"));
    ASSERT_LT(bucket, kBuckets);
    ++counts[bucket / (kBuckets / 10)];
  }
  for (int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

}  // namespace
}  // namespace throng::index
