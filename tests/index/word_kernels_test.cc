#include "index/word_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/chunk_ops.h"
#include "tests/index/random_sets.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

using Set = std::set<uint32_t>;

// Every instruction set of this machine must do the same.
class WordKernelsTest : public ::testing::TestWithParam<const WordKernels*> {
 protected:
  const WordKernels& kernels() const { return *GetParam(); }
  std::mt19937_64 random_{testing::TestSeed()};
};

std::unique_ptr<ChunkWords> WordsOf(const Set& members) {
  auto words = std::make_unique<ChunkWords>();
  for (uint32_t v : members) words->words[v >> 6] |= uint64_t{1} << (v & 63);
  return words;
}

Set SetOf(const uint64_t* words) { return Members(ChunkSet::Bitset(words, kChunkSize)); }

std::vector<uint16_t> ArrayOf(const Set& members, size_t size_max) {
  std::vector<uint16_t> array;
  for (uint32_t v : members) {
    if (array.size() < size_max) array.push_back(static_cast<uint16_t>(v));
  }
  return array;
}

// Where to ask for memory: in the words, or where there is none.
const uint64_t* AnyPlace(std::mt19937_64& random, const uint64_t* words) {
  return random() % 2 == 0 ? words : reinterpret_cast<const uint64_t*>(random() & ~uint64_t{7});
}

TEST_P(WordKernelsTest, ConjoinAndUniteCountAndWrite) {
  for (int round = 0; round < testing::TestRounds(60); ++round) {
    std::vector<Set> sets;
    std::vector<std::unique_ptr<ChunkWords>> words;
    std::vector<WordOperand> in;
    const bool has_ahead = random_() % 2 == 0;
    for (uint64_t i = 0; i < 5; ++i) {
      sets.push_back(RandomSet(random_, kChunkSize));
      words.push_back(WordsOf(sets.back()));
      in.push_back({.words = words.back()->words,
                    .ahead = has_ahead ? AnyPlace(random_, words.back()->words) : nullptr});
    }
    const auto minus_size = static_cast<uint32_t>(random_() % 3);
    const uint32_t in_size = 5 - minus_size;
    Set both;
    Set any;
    for (uint32_t v = 0; v < kChunkSize; ++v) {
      const auto has = [&](const Set& set) { return set.contains(v); };
      if (std::all_of(sets.begin(), sets.begin() + in_size, has) &&
          std::none_of(sets.begin() + in_size, sets.end(), has)) {
        both.insert(both.end(), v);
      }
      if (std::any_of(sets.begin(), sets.begin() + in_size, has)) any.insert(any.end(), v);
    }
    auto out = std::make_unique<ChunkWords>();
    const WordTerm term{in.data(), in_size, in.data() + in_size, minus_size};
    EXPECT_EQ(kernels().conjoin(term, nullptr), both.size());
    EXPECT_EQ(kernels().unite(in.data(), in_size, nullptr), any.size());
    EXPECT_EQ(kernels().unite(in.data(), in_size, out->words), any.size());
    EXPECT_EQ(SetOf(out->words), any) << "round " << round;
    EXPECT_EQ(kernels().count(out->words, kWordsPerChunk), any.size());
    // The output may be an input.
    EXPECT_EQ(kernels().conjoin(term, words[0]->words), both.size());
    EXPECT_EQ(SetOf(words[0]->words), both) << "round " << round;
  }
}

TEST_P(WordKernelsTest, TermsAreUnitedInsideWhatIsCommon) {
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    std::vector<Set> sets;
    std::vector<std::unique_ptr<ChunkWords>> words;
    std::vector<WordOperand> in;
    const bool has_ahead = random_() % 2 == 0;
    for (int i = 0; i < 8; ++i) {
      sets.push_back(RandomSet(random_, kChunkSize));
      words.push_back(WordsOf(sets.back()));
      in.push_back({.words = words.back()->words,
                    .ahead = has_ahead ? AnyPlace(random_, words.back()->words) : nullptr});
    }
    // (0 and 1 and not 2) or 3 or (4 and not 5), and 6 and not 7, or nothing in common.
    const WordTerm terms[] = {
        {&in[0], 2, &in[2], 1}, {&in[3], 1, nullptr, 0}, {&in[4], 1, &in[5], 1}};
    for (bool common : {true, false}) {
      Set expected;
      for (uint32_t v = 0; v < kChunkSize; ++v) {
        const auto has = [&](size_t i) { return sets[i].contains(v); };
        const bool any = (has(0) && has(1) && !has(2)) || has(3) || (has(4) && !has(5));
        if (any && (!common || (has(6) && !has(7)))) expected.insert(expected.end(), v);
      }
      const WordTerm restriction =
          common ? WordTerm{&in[6], 1, &in[7], 1} : WordTerm{nullptr, 0, nullptr, 0};
      auto out = std::make_unique<ChunkWords>();
      EXPECT_EQ(kernels().unite_terms(terms, 3, restriction, nullptr), expected.size());
      EXPECT_EQ(kernels().unite_terms(terms, 3, restriction, out->words), expected.size());
      EXPECT_EQ(SetOf(out->words), expected) << "round " << round;
    }
  }
}

TEST_P(WordKernelsTest, ExtractWritesTheMembersAndNoMore) {
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    const Set members = RandomSet(random_, kChunkSize);
    std::vector<uint16_t> out(members.size() + 64, 0xabcd);
    ASSERT_EQ(kernels().extract(WordsOf(members)->words, out.data()), members.size());
    EXPECT_TRUE(std::equal(members.begin(), members.end(), out.begin())) << "round " << round;
    EXPECT_EQ(std::count(out.begin() + static_cast<ptrdiff_t>(members.size()), out.end(), 0xabcd),
              64);
  }
}

TEST_P(WordKernelsTest, OffsetsAreLookedUpInWordsAndAmongOthers) {
  for (int round = 0; round < testing::TestRounds(80); ++round) {
    const Set a = RandomSet(random_, kChunkSize);
    const Set b = RandomSet(random_, kChunkSize);
    const std::vector<uint16_t> array = ArrayOf(a, 1 + random_() % 3000);
    const std::vector<uint16_t> other = ArrayOf(b, random_() % 1200);
    const auto words = WordsOf(b);
    const auto size = static_cast<uint32_t>(array.size());
    std::vector<uint16_t> inside;
    std::vector<uint16_t> among;
    for (uint16_t v : array) {
      if (b.contains(v)) inside.push_back(v);
      if (std::binary_search(other.begin(), other.end(), v)) among.push_back(v);
    }
    EXPECT_EQ(kernels().count_in(array.data(), size, words->words), inside.size());
    for (bool wanted : {true, false}) {
      std::vector<uint16_t> out = array;  // in place
      const uint32_t kept = kernels().keep_in(out.data(), size, words->words, wanted, out.data());
      EXPECT_EQ(kept, wanted ? inside.size() : size - inside.size());
      if (wanted) {
        EXPECT_TRUE(std::equal(inside.begin(), inside.end(), out.begin()));
      }
      out = array;
      const uint32_t found = kernels().keep_among(
          out.data(), size, other.data(), static_cast<uint32_t>(other.size()), wanted, out.data());
      EXPECT_EQ(found, wanted ? among.size() : size - among.size());
      if (wanted) {
        EXPECT_TRUE(std::equal(among.begin(), among.end(), out.begin()));
      }
    }
  }
}

// Arrays of each length, so that every place of a search's last block is reached.
TEST_P(WordKernelsTest, AllMembersOfAnArrayOfAnyLengthAreFound) {
  for (uint32_t size = 1; size <= 1030; ++size) {
    std::vector<uint16_t> array(size);
    for (uint32_t i = 0; i < size; ++i)
      array[i] = static_cast<uint16_t>(65'535 - 2 * (size - 1 - i));
    std::vector<uint16_t> out(size);
    ASSERT_EQ(kernels().keep_among(array.data(), size, array.data(), size, true, out.data()), size);
    for (uint16_t& v : out) --v;  // the gaps
    std::vector<uint16_t> gaps(size);
    ASSERT_EQ(kernels().keep_among(out.data(), size, array.data(), size, true, gaps.data()), 0u);
  }
}

template <typename Code>
using ScanFunction = uint32_t (*)(const uint8_t*, Code, Code, uint64_t*);

template <typename Code>
void ExpectScans(std::mt19937_64& random, ScanFunction<Code> scan) {
  std::vector<Code> codes(kChunkSize);
  for (int round = 0; round < 12; ++round) {
    const uint64_t range = round % 2 == 0 ? 100 : ~uint64_t{0};
    for (Code& code : codes) code = static_cast<Code>(random() % range);
    const auto low = static_cast<Code>(random() % range);
    const auto span = static_cast<Code>(round % 3 == 0 ? 0 : random() % range);
    auto out = std::make_unique<ChunkWords>();
    const uint32_t count =
        scan(reinterpret_cast<const uint8_t*>(codes.data()), low, span, out->words);
    uint32_t expected = 0;
    for (uint32_t i = 0; i < kChunkSize; ++i) {
      const bool inside = static_cast<Code>(codes[i] - low) <= span;
      ASSERT_EQ((out->words[i >> 6] >> (i & 63)) & 1, inside ? 1u : 0u) << i << ", round " << round;
      expected += inside ? 1 : 0;
    }
    ASSERT_EQ(count, expected);
  }
}

TEST_P(WordKernelsTest, ScansFindTheCodesOfARange) {
  ExpectScans<uint8_t>(random_, kernels().scan1);
  ExpectScans<uint16_t>(random_, kernels().scan2);
  ExpectScans<uint32_t>(random_, kernels().scan4);
  ExpectScans<uint64_t>(random_, kernels().scan8);
}

template <typename Code>
void ExpectPicks(std::mt19937_64& random,
                 uint32_t (*pick)(const uint8_t*, const uint64_t*, uint64_t*)) {
  std::vector<Code> codes(kChunkSize);
  for (Code& code : codes) code = static_cast<Code>(random() % (sizeof(Code) == 1 ? 256 : 1200));
  codes[7] = static_cast<Code>(~0u);
  uint64_t table[kCodeTableWords];
  for (uint64_t& word : table) word = random();
  auto out = std::make_unique<ChunkWords>();
  const uint32_t count = pick(reinterpret_cast<const uint8_t*>(codes.data()), table, out->words);
  uint32_t expected = 0;
  for (uint32_t i = 0; i < kChunkSize; ++i) {
    const uint32_t code = codes[i];
    const bool inside = code < kCodeTableWords * 64 && ((table[code >> 6] >> (code & 63)) & 1) != 0;
    ASSERT_EQ((out->words[i >> 6] >> (i & 63)) & 1, inside ? 1u : 0u) << i;
    expected += inside ? 1 : 0;
  }
  ASSERT_EQ(count, expected);
}

TEST_P(WordKernelsTest, PicksFindTheCodesOfATable) {
  for (int round = 0; round < testing::TestRounds(10); ++round) {
    ExpectPicks<uint8_t>(random_, kernels().pick1);
    ExpectPicks<uint16_t>(random_, kernels().pick2);
  }
}

template <typename Code>
void ExpectCollects(std::mt19937_64& random, index::CollectFunction collect) {
  std::vector<Code> codes(kChunkSize);
  for (Code& code : codes) code = static_cast<Code>(random() | 1);  // none is 0
  const Set members = RandomSet(random, kChunkSize);
  const auto words = WordsOf(members);
  const uint32_t first = static_cast<uint32_t>(random() % kWordsPerChunk);
  const uint32_t size = static_cast<uint32_t>(random() % (kWordsPerChunk - first + 1));
  std::vector<Code> expected;
  for (uint32_t v : members) {
    if (v >= first * 64 && v < (first + size) * 64) expected.push_back(codes[v]);
  }
  constexpr uint8_t kUntouched = 0xab;
  std::vector<uint8_t> out(size * 64 * sizeof(Code) + kCollectPadding + 64, kUntouched);
  const auto* data = reinterpret_cast<const uint8_t*>(codes.data() + size_t{first} * 64);
  const uint32_t count = collect(data, words->words + first, size, data, out.data());
  ASSERT_LE(count, size * 64);
  const auto end = out.begin() + static_cast<ptrdiff_t>(count * sizeof(Code) + kCollectPadding);
  ASSERT_EQ(std::count(end, out.end(), kUntouched), out.end() - end) << "beyond the padding";
  std::vector<Code> written(count);
  if (count > 0) std::memcpy(written.data(), out.data(), count * sizeof(Code));
  std::erase(written, Code{0});
  ASSERT_EQ(written, expected);
}

TEST_P(WordKernelsTest, CollectWritesTheCodesOfTheMembers) {
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    ExpectCollects<uint8_t>(random_, kernels().collect1);
    ExpectCollects<uint16_t>(random_, kernels().collect2);
    ExpectCollects<uint32_t>(random_, kernels().collect4);
    ExpectCollects<uint64_t>(random_, kernels().collect8);
  }
}

template <typename Code>
void ExpectSums(std::mt19937_64& random, index::SumFunction sum_members) {
  std::vector<Code> codes(kChunkSize);
  const uint64_t one_in = 1 + random() % 4;
  for (Code& code : codes) {
    code = random() % one_in == 0 ? static_cast<Code>(random() >> random() % 64) : Code{0};
  }
  if (random() % 4 == 0) std::fill(codes.begin(), codes.end(), static_cast<Code>(~uint64_t{0}));
  const Set members = RandomSet(random, kChunkSize);
  index::CodeSums expected;
  for (uint32_t v : members) {
    const uint64_t code = codes[v];
    if (code == 0) continue;
    ++expected.count;
    expected.low_sum += code & 0xffffffff;
    expected.high_sum += code >> 32;
    expected.min_distance = std::min(expected.min_distance, code - 1);
    expected.max_code = std::max(expected.max_code, code);
  }
  index::CodeSums sums;
  const auto* data = reinterpret_cast<const uint8_t*>(codes.data());
  sum_members(data, WordsOf(members)->words, data, 24 << 10, &sums);
  ASSERT_EQ(sums.count, expected.count);
  ASSERT_EQ(sums.low_sum, expected.low_sum);
  ASSERT_EQ(sums.high_sum, expected.high_sum);
  ASSERT_EQ(sums.max_code, expected.max_code);
  if (expected.count == 0) return;
  ASSERT_EQ(sums.min_distance, expected.min_distance);
}

TEST_P(WordKernelsTest, SumMembersAddsTheCodesOfTheMembers) {
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    ExpectSums<uint8_t>(random_, kernels().sum_members1);
    ExpectSums<uint16_t>(random_, kernels().sum_members2);
    ExpectSums<uint32_t>(random_, kernels().sum_members4);
    ExpectSums<uint64_t>(random_, kernels().sum_members8);
  }
}

template <typename Code>
void ExpectCountsFrom(std::mt19937_64& random, index::CountFromFunction count_from) {
  // Beyond a block of 8 KiB, and all equal, too: lanes must not overflow.
  std::vector<Code> codes(random() % 20'000);
  const bool equal = random() % 4 == 0;
  for (Code& code : codes) code = equal ? Code{7} : static_cast<Code>(random() >> random() % 64);
  std::vector<uint64_t> limits(random() % 12);
  for (uint64_t& limit : limits) limit = static_cast<Code>(random() >> random() % 64);
  if (!limits.empty()) limits[0] = static_cast<Code>(~uint64_t{0});
  std::vector<uint64_t> counts(limits.size(), 3);
  count_from(reinterpret_cast<const uint8_t*>(codes.data()), static_cast<uint32_t>(codes.size()),
             limits.data(), static_cast<uint32_t>(limits.size()), counts.data());
  for (size_t i = 0; i < limits.size(); ++i) {
    const auto from =
        std::count_if(codes.begin(), codes.end(), [&](Code code) { return code >= limits[i]; });
    ASSERT_EQ(counts[i], static_cast<uint64_t>(from) + 3) << limits[i];
  }
}

TEST_P(WordKernelsTest, CountFromAddsCodesFromEachLimitOn) {
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    ExpectCountsFrom<uint8_t>(random_, kernels().count_from1);
    ExpectCountsFrom<uint16_t>(random_, kernels().count_from2);
    ExpectCountsFrom<uint32_t>(random_, kernels().count_from4);
    ExpectCountsFrom<uint64_t>(random_, kernels().count_from8);
  }
}

TEST_P(WordKernelsTest, RepeatedMembersAndMasksAreThoseOfEachUser) {
  for (uint32_t size : {1u, 2u, 7u, 8u, 9u, 31u, 64u}) {
    std::vector<std::unique_ptr<ChunkWords>> words;
    std::vector<const uint64_t*> sets;
    std::vector<const uint64_t*> present;
    for (uint32_t i = 0; i < size; ++i) {
      words.push_back(WordsOf(RandomSet(random_, kChunkSize)));
      sets.push_back(i % 5 == 3 ? nullptr : words.back()->words);
      if (sets.back() != nullptr) present.push_back(sets.back());
    }
    auto any = std::make_unique<ChunkWords>();
    auto repeated = std::make_unique<ChunkWords>();
    kernels().find_repeated(present.data(), static_cast<uint32_t>(present.size()), any->words,
                            repeated->words);
    uint64_t masks[64];
    for (uint32_t word = 0; word < kWordsPerChunk; ++word) {
      kernels().gather_masks(sets.data(), size, word, masks);
      for (uint32_t user = 0; user < 64; ++user) {
        uint64_t expected = 0;
        for (uint32_t i = 0; i < size; ++i) {
          if (sets[i] != nullptr) expected |= (sets[i][word] >> user & 1) << i;
        }
        ASSERT_EQ(masks[user], expected) << size << " sets, word " << word << ", user " << user;
        ASSERT_EQ(any->words[word] >> user & 1, expected != 0 ? 1u : 0u);
        ASSERT_EQ(repeated->words[word] >> user & 1, (expected & (expected - 1)) != 0 ? 1u : 0u);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, WordKernelsTest,
                         ::testing::ValuesIn(AllKernels().begin(), AllKernels().end()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace throng::index
