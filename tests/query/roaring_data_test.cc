// The real Roaring data sets (shared/data/README.md, section "roaring"): 200 bitmaps each, loaded
// as the values of a LABELS tag, and every answer that is known of them, asked as plans.
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/breakdown_collector.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "tests/testing/temporary_directory.h"

namespace throng::query {
namespace {

constexpr uint32_t kValues = 1;  // the tag

struct KnownSet {
  const char* file;
  uint32_t bitmaps;
  uint64_t sum_of_sizes;
  uint32_t largest;
  uint64_t union_of_all;
  uint64_t and_next;
  uint64_t or_next;
  uint64_t xor_next;
  uint64_t not_next;
  uint64_t size_of_0;
};

void PrintTo(const KnownSet& set, std::ostream* out) { *out << set.file; }

// As the README has them.
const KnownSet kKnownSets[] = {
    {"census-income.tar.zst", 200, 6'922'021, 199'522, 199'523, 1'206'089, 12'536'707, 11'330'618,
     5'715'898, 101'212},
    {"census-income_srt.tar.zst", 200, 6'092'864, 199'522, 199'523, 1'119'114, 11'066'359,
     9'947'245, 4'973'748, 253},
    {"census1881.zip", 200, 1'003'861, 4'277'805, 988'653, 23, 2'007'688, 2'007'665, 1'003'833, 6},
    {"census1881_srt.zip", 200, 680'793, 4'277'734, 656'346, 137, 1'361'445, 1'361'308, 680'653, 1},
    {"wikileaks-noquotes.zip", 200, 275'355, 1'353'178, 242'540, 180, 545'366, 545'186, 275'078,
     5'067},
    {"wikileaks-noquotes_srt.zip", 200, 288'013, 1'353'132, 236'436, 148, 571'589, 571'441, 284'030,
     454},
    {"uscensus2000.zip", 200, 5'985, 36'974'577, 5'985, 0, 11'968, 11'968, 5'984, 1},
    {"weather_sept_85.192of200.tar.zst", 192, 6'578'828, 1'015'366, 1'015'328, 208'975, 12'824'459,
     12'615'484, 6'348'132, 102'501},
};

using Members = std::vector<uint32_t>;

std::string DataDirectory() {
  const char* directory = std::getenv("THRONG_DATA_DIR");
  return directory == nullptr ? THRONG_DATA_DIRECTORY : directory;
}

Members ReadMembers(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  Members members;
  for (const char* at = text.data(); at < text.data() + text.size();) {
    uint32_t member = 0;
    const auto [end, error] = std::from_chars(at, text.data() + text.size(), member);
    if (error != std::errc()) break;  // the line's end
    members.push_back(member);
    at = end + 1;
  }
  return members;
}

// "census1881.csv17.txt" -> 17.
int NumberOf(const std::string& name) {
  const size_t at = name.find(".csv");
  return at == std::string::npos ? -1 : std::atoi(name.c_str() + at + 4);
}

// The bitmaps of an archive in order of their numbers.
std::vector<Members> Unpack(const std::string& archive) {
  const testing::TemporaryDirectory directory;
  const bool is_zip = archive.ends_with(".zip");
  const std::string command =
      is_zip ? fmt::format("unzip -q '{}' -d '{}'", archive, directory.path())
             : fmt::format("tar --zstd -xf '{}' -C '{}'", archive, directory.path());
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::map<int, Members> by_number;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path())) {
    const int number = NumberOf(entry.path().filename());
    if (number >= 0) by_number[number] = ReadMembers(entry.path());
  }
  std::vector<Members> bitmaps;
  for (auto& [number, members] : by_number) bitmaps.push_back(std::move(members));
  return bitmaps;
}

// Ordinals that no bitmap has are erased users; the others have the labels of their bitmaps.
index::SnapshotRef Load(const std::vector<Members>& bitmaps, index::Parallel& parallel) {
  std::vector<std::pair<uint32_t, uint32_t>> pairs;  // user, code
  uint32_t largest = 0;
  for (uint32_t code = 0; code < bitmaps.size(); ++code) {
    for (uint32_t member : bitmaps[code]) pairs.emplace_back(member, code);
    largest = std::max(largest, bitmaps[code].back());
  }
  std::sort(pairs.begin(), pairs.end());
  index::TagChange labels{.tag = kValues};
  index::TagChange universe{.tag = index::kUniverseTag};
  for (const auto& [user, code] : pairs) {
    if (labels.ordinals.empty() || labels.ordinals.back() != user) {
      labels.ordinals.push_back(user);
      labels.label_ends.push_back(0);
      labels.replaced.push_back(true);
    }
    labels.label_changes.push_back(code << 1 | 1);
    labels.label_ends.back() = static_cast<uint32_t>(labels.label_changes.size());
  }
  universe.ordinals = labels.ordinals;
  universe.cells.assign(labels.ordinals.size(), 1);
  index::IdDictionary ids;
  for (uint32_t first = 0; first <= largest; first += index::kShardSize) {
    ids = ids.With(std::vector<std::string>(std::min(largest + 1 - first, index::kShardSize)));
  }
  index::CommitRecord record{.version = 1};
  record.definitions = {{.id = kValues, .name = "values", .type = index::TagType::kLabels}};
  record.new_values.push_back({.tag = kValues});
  for (size_t i = 0; i < bitmaps.size(); ++i) {
    record.new_values[0].values.push_back(std::to_string(i));
  }
  const auto catalogue = index::Apply(index::Snapshot(), record, parallel)->shared_catalogue();
  return std::make_shared<const index::Snapshot>(
      2, catalogue, ids,
      std::vector<index::TagContentRef>{
          index::ApplyToContent(nullptr, index::TagType::kFlag, universe, 2),
          index::ApplyToContent(nullptr, index::TagType::kLabels, labels, 2)});
}

LogicalPlan Value(uint32_t code) { return {TagValues{kValues, {code}}}; }
LogicalPlan Not(LogicalPlan plan) { return {LogicalNot{{std::move(plan)}}}; }
LogicalPlan And(LogicalPlan a, LogicalPlan b) { return {LogicalAnd{{std::move(a), std::move(b)}}}; }
LogicalPlan Or(LogicalPlan a, LogicalPlan b) { return {LogicalOr{{std::move(a), std::move(b)}}}; }

class RoaringDataTest : public ::testing::TestWithParam<KnownSet> {
 protected:
  void SetUp() override {
    const std::string archive = fmt::format("{}/roaring/{}", DataDirectory(), GetParam().file);
    if (!std::filesystem::exists(archive)) {
      GTEST_SKIP() << "there is no " << archive << "; THRONG_DATA_DIR says where the data is";
    }
    bitmaps_ = Unpack(archive);
    ASSERT_EQ(bitmaps_.size(), GetParam().bitmaps);
    snapshot_ = Load(bitmaps_, parallel_);
  }

  PhysicalPlan Physical(const LogicalPlan& plan) const {
    return MakePhysicalPlan(Normalize(plan, snapshot_->catalogue()), *snapshot_);
  }
  uint64_t Count(const LogicalPlan& plan) {
    return *CountUsers(Physical(plan), *snapshot_, parallel_, {});
  }
  Members Select(const LogicalPlan& plan) {
    SetCollector collector;
    EXPECT_TRUE(Execute(Physical(plan), *snapshot_, parallel_, {}, collector).ok());
    const auto set = collector.Build();
    Members members;
    for (uint32_t chunk = 0; chunk < set->chunk_count(); ++chunk) {
      index::ForEach(set->chunk(chunk), [&](uint32_t offset) {
        members.push_back(chunk << index::kChunkBits | offset);
      });
    }
    return members;
  }
  uint32_t size() const { return static_cast<uint32_t>(bitmaps_.size()); }
  // The sum over neighbours, 0 with 1, 1 with 2, ...
  template <typename Combine>
  uint64_t SumOverNeighbours(Combine combine) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i + 1 < size(); ++i) sum += Count(combine(Value(i), Value(i + 1)));
    return sum;
  }

  std::vector<Members> bitmaps_;
  index::Parallel parallel_{2};
  index::SnapshotRef snapshot_;
};

TEST_P(RoaringDataTest, SizesAndMembersAreThoseOfTheFiles) {
  uint64_t sum = 0;
  for (uint32_t code = 0; code < size(); ++code) {
    const uint64_t count = Count(Value(code));
    ASSERT_EQ(count, bitmaps_[code].size()) << code;
    ASSERT_EQ(count, snapshot_->content(kValues)->ValueCardinality(code)) << code;
    sum += count;
    if (code % 10 == 0) {
      ASSERT_EQ(Select(Value(code)), bitmaps_[code]) << code;
    }
  }
  EXPECT_EQ(sum, GetParam().sum_of_sizes);
  EXPECT_EQ(Count(Value(0)), GetParam().size_of_0);
}

TEST_P(RoaringDataTest, TheUnionOfAllIsKnown) {
  TagValues all{.tag = kValues};
  LogicalOr each;
  LogicalAnd in_none;
  for (uint32_t code = 0; code < size(); ++code) {
    all.codes.push_back(code);
    each.operands.push_back(Value(code));
    in_none.operands.push_back(Not(Value(code)));
  }
  EXPECT_EQ(Count({all}), GetParam().union_of_all);
  EXPECT_EQ(Count({each}), GetParam().union_of_all);
  EXPECT_EQ(Count({TagExists{kValues}}), GetParam().union_of_all);
  EXPECT_EQ(Count({Everybody{}}), GetParam().union_of_all);
  EXPECT_EQ(Count({in_none}), 0u);
  EXPECT_EQ(Count(Not(Value(0))), GetParam().union_of_all - GetParam().size_of_0);
  EXPECT_EQ(Select({all}).back(), GetParam().largest);
}

TEST_P(RoaringDataTest, SumsOverNeighboursAreKnown) {
  EXPECT_EQ(SumOverNeighbours(And), GetParam().and_next);
  EXPECT_EQ(SumOverNeighbours(Or), GetParam().or_next);
  EXPECT_EQ(SumOverNeighbours([](const LogicalPlan& a, const LogicalPlan& b) {
              return And(Or(a, b), Not(And(a, b)));
            }),
            GetParam().xor_next);
  EXPECT_EQ(SumOverNeighbours([](const LogicalPlan& a, const LogicalPlan& b) {
              return Or(And(a, Not(b)), And(b, Not(a)));
            }),
            GetParam().xor_next);
  EXPECT_EQ(
      SumOverNeighbours([](const LogicalPlan& a, const LogicalPlan& b) { return And(a, Not(b)); }),
      GetParam().not_next);
}

TEST_P(RoaringDataTest, ABreakdownCountsEachWithItsNeighbour) {
  BreakdownCollector everybody(*snapshot_, {kValues});
  ASSERT_TRUE(Execute(Physical({Everybody{}}), *snapshot_, parallel_, {}, everybody).ok());
  uint64_t sum = 0;
  const TagCounts all = everybody.Finish()[0];
  for (uint64_t count : all.counts) sum += count;
  EXPECT_EQ(sum, GetParam().sum_of_sizes);
  EXPECT_EQ(everybody.users(), GetParam().union_of_all);
  uint64_t and_next = 0;
  for (uint32_t i = 0; i + 1 < size(); ++i) {
    BreakdownCollector collector(*snapshot_, {kValues});
    ASSERT_TRUE(Execute(Physical(Value(i)), *snapshot_, parallel_, {}, collector).ok());
    const TagCounts counts = collector.Finish()[0];
    ASSERT_EQ(counts.counts[i], bitmaps_[i].size());
    and_next += counts.counts[i + 1];
  }
  EXPECT_EQ(and_next, GetParam().and_next);
}

std::string NameOf(const ::testing::TestParamInfo<KnownSet>& set) {
  std::string name = std::string(set.param.file).substr(0, std::string(set.param.file).find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Real, RoaringDataTest, ::testing::ValuesIn(kKnownSets), NameOf);

}  // namespace
}  // namespace throng::query
