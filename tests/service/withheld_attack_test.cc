// Attacks on what is withheld within one answer: whoever adds and subtracts what is shown learns of
// no withheld number more than that it lies in a range of at least the minimum.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/service/guarded_fixture.h"
#include "throng/v1/insight.pb.h"

namespace throng::service {
namespace {

constexpr uint64_t kMinimum = 20;
constexpr int kUsers = 400;
constexpr int kTags = 6;

// The most that can go from one place to another through pipes.
class Flow {
 public:
  explicit Flow(size_t places) : room_(places, std::vector<uint64_t>(places)) {}
  uint64_t& room(size_t from, size_t to) { return room_[from][to]; }
  uint64_t Most(size_t from, size_t to, uint64_t enough) {
    uint64_t sent = 0;
    while (sent < enough) {
      std::vector<bool> seen(room_.size());
      const uint64_t more = Push(from, to, enough - sent, &seen);
      if (more == 0) break;
      sent += more;
    }
    return sent;
  }

 private:
  uint64_t Push(size_t from, size_t to, uint64_t most, std::vector<bool>* seen) {
    if (from == to) return most;
    (*seen)[from] = true;
    for (size_t next = 0; next < room_.size(); ++next) {
      if ((*seen)[next] || room_[from][next] == 0) continue;
      const uint64_t pushed = Push(next, to, std::min(most, room_[from][next]), seen);
      if (pushed == 0) continue;
      room_[from][next] -= pushed;
      room_[next][from] += pushed;
      return pushed;
    }
    return 0;
  }

  std::vector<std::vector<uint64_t>> room_;
};

// A table of which some cells and totals are withheld, and what is true.
struct Table {
  std::vector<std::vector<uint64_t>> cells;
  std::vector<std::vector<bool>> hidden;
  std::vector<bool> hides_row;  // totals
  std::vector<bool> hides_column;

  size_t rows() const { return cells.size(); }
  size_t columns() const { return cells[0].size(); }

  // By how much the cell could be more or less than it is if all that is shown, its row, its column
  // and all users stay as they are. Counting stops at `enough`.
  uint64_t Range(size_t row, size_t column, uint64_t enough) const {
    const uint64_t more = MakeFlow(row, column).Most(rows() + column, row, enough);
    const uint64_t less = MakeFlow(row, column).Most(row, rows() + column, cells[row][column]);
    return more + less;
  }

 private:
  // From a row to a column: how much more a cell could have; back: how much less. A withheld total
  // gives way, to other withheld totals.
  Flow MakeFlow(size_t but_row, size_t but_column) const {
    constexpr uint64_t kAny = 1'000'000;
    const size_t any_row = rows() + columns();
    Flow flow(any_row + 2);
    for (size_t r = 0; r < rows(); ++r) {
      for (size_t c = 0; c < columns(); ++c) {
        if (!hidden[r][c] || (r == but_row && c == but_column)) continue;
        flow.room(r, rows() + c) = kAny;
        flow.room(rows() + c, r) = cells[r][c];
      }
      if (hides_row[r]) flow.room(any_row, r) = flow.room(r, any_row) = kAny;
    }
    for (size_t c = 0; c < columns(); ++c) {
      if (!hides_column[c]) continue;
      flow.room(any_row + 1, rows() + c) = flow.room(rows() + c, any_row + 1) = kAny;
    }
    return flow;
  }
};

std::string KeyOf(const v1::CrossTabEntry& entry) {
  return entry.value().SerializeAsString() + "|" + entry.lower().SerializeAsString() + "|" +
         entry.upper().SerializeAsString();
}

// Where each place of the whole axis is in the one with withheld entries.
std::vector<size_t> PlacesIn(const v1::CrossTabAxis& whole, const v1::CrossTabAxis& shown) {
  std::map<std::string, size_t> places;
  for (int i = 0; i < shown.entries_size(); ++i) {
    places[KeyOf(shown.entries(i))] = static_cast<size_t>(i);
  }
  const auto others = static_cast<size_t>(shown.entries_size());
  std::vector<size_t> found;
  for (const v1::CrossTabEntry& entry : whole.entries()) {
    const auto place = places.find(KeyOf(entry));
    found.push_back(place == places.end() ? others : place->second);
  }
  found.push_back(others);
  found.push_back(others + 1);
  return found;
}

// The totals that are withheld; those of what is not there are known to be 0.
std::vector<bool> HiddenTotals(const v1::CrossTabAxis& axis) {
  std::vector<bool> hidden;
  for (const v1::CrossTabEntry& entry : axis.entries()) hidden.push_back(!entry.withheld().empty());
  hidden.push_back(!axis.others().withheld().empty());
  hidden.push_back(!axis.missing().withheld().empty());
  return hidden;
}

class WithheldAttackTest : public GuardedServerTest {
 protected:
  void SetUp() override {
    Allow("boss", {{"*", "admin", 9}});
    Allow("low", {{"default", "viewer", 9, kMinimum}});
    audit_path_.clear();
    Start();
    seed_ = static_cast<uint32_t>(std::random_device()());
    random_.seed(seed_);
    Load();
  }

  // Tags of a few values, some of them rare, that some users lack; flags and numbers.
  void Load() {
    const auto internal = engine::CallContext::Internal();
    const auto make = [&](const std::string& name, index::TagType type) {
      index::TagDefinition tag;
      tag.name = name;
      tag.type = type;
      ASSERT_TRUE(engine_->tags().Create(internal, "default", tag, {}).ok());
    };
    for (int t = 0; t < kTags; ++t) make(fmt::format("c{}", t), index::TagType::kCategory);
    make("labels", index::TagType::kLabels);
    make("vip", index::TagType::kFlag);
    make("age", index::TagType::kInteger);
    engine::WriteUsersRequest write{.population = "default",
                                    .unknown_ids = engine::UnknownIds::kCreate};
    std::vector<double> rare(kTags);
    for (double& each : rare) each = 0.2 + static_cast<double>(random_() % 70) / 100;
    for (int i = 0; i < kUsers; ++i) {
      engine::UserChange user{.id = fmt::format("u{}", i)};
      const auto set = [&](const std::string& tag, decltype(query::Value::literal) literal) {
        user.changes.push_back(
            {.tag = tag, .change = engine::SetValue{query::Value{.literal = std::move(literal)}}});
      };
      for (int t = 0; t < kTags; ++t) {
        std::geometric_distribution<int> value(rare[static_cast<size_t>(t)]);
        const int drawn = value(random_);
        if (drawn > 0 || t % 2 == 0) {
          set(fmt::format("c{}", t), fmt::format("v{}", std::min(drawn, 7)));
        }
      }
      if (random_() % 3 > 0) {
        engine::ChangeLabels labels;
        for (int label = 0; label < 4; ++label) {
          if (random_() % static_cast<uint32_t>(2 + 4 * label) == 0) {
            labels.add.push_back(fmt::format("l{}", label));
          }
        }
        if (!labels.add.empty()) {
          user.changes.push_back({.tag = "labels", .change = std::move(labels)});
        }
      }
      set("vip", random_() % 12 == 0);
      set("age", query::DecimalLiteral{.units = static_cast<int64_t>(random_() % 90)});
      write.users.push_back(std::move(user));
    }
    const auto written = engine_->writer().WriteUsers(internal, write);
    ASSERT_TRUE(written.ok()) << written.status();
  }

  std::string RandomCrowd() {
    switch (random_() % 3) {
      case 0:
        return "all()";
      case 1:
        return fmt::format("age < {}", random_() % 100);
      default:
        return fmt::format("c{} = 'v{}'", random_() % kTags, random_() % 4);
    }
  }

  void SetAxis(v1::CrossTabAxisRequest* axis) {
    const uint32_t kind = random_() % (kTags + 2);
    if (kind == kTags) {
      axis->set_tag("vip");
    } else if (kind > kTags) {
      axis->set_tag("age");
      for (const int edge : {5, 30, 60}) axis->add_edges()->set_integer(edge);
    } else {
      axis->set_tag(fmt::format("c{}", kind));
      axis->set_top(2 + random_() % 8);
    }
  }

  // The table as it is, with what of it is withheld.
  static Table ToTable(const v1::CrossTabResponse& whole, const v1::CrossTabResponse& shown) {
    const std::vector<size_t> rows = PlacesIn(whole.rows(), shown.rows());
    const std::vector<size_t> columns = PlacesIn(whole.columns(), shown.columns());
    Table table;
    table.hides_row = HiddenTotals(shown.rows());
    table.hides_column = HiddenTotals(shown.columns());
    table.cells.assign(table.hides_row.size(), std::vector<uint64_t>(table.hides_column.size()));
    table.hidden.assign(table.cells.size(), std::vector<bool>(table.hides_column.size()));
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < columns.size(); ++c) {
        table.cells[rows[r]][columns[c]] +=
            whole.cells(static_cast<int>(r)).counts(static_cast<int>(c));
      }
    }
    for (size_t r = 0; r < table.rows(); ++r) {
      for (const uint32_t place : shown.cells(static_cast<int>(r)).withheld_cells()) {
        table.hidden[r][place] = true;
      }
    }
    return table;
  }

  uint32_t seed_ = 0;
  std::mt19937 random_;
};

// Of what is shown all is true, and nothing is of few users but what is not there at all.
void ExpectTrue(const Table& table, const v1::CrossTabResponse& shown) {
  const auto is_there = [](const v1::CrossTabAxis& axis, size_t place) {
    const auto others = static_cast<size_t>(axis.entries_size());
    if (place == others) return axis.others_values() > 0;
    return place < others || axis.tag() != "vip";
  };
  for (size_t r = 0; r < table.rows(); ++r) {
    const v1::CrossTabRow& row = shown.cells(static_cast<int>(r));
    for (size_t c = 0; c < table.columns(); ++c) {
      const int column = static_cast<int>(c);
      if (table.hidden[r][c]) {
        EXPECT_EQ(row.counts(column), 0);
        EXPECT_EQ(row.row_shares(column) + row.column_shares(column) + row.total_shares(column), 0);
        continue;
      }
      EXPECT_EQ(row.counts(column), table.cells[r][c]);
      if (!is_there(shown.rows(), r) || !is_there(shown.columns(), c)) continue;
      EXPECT_GE(row.counts(column), kMinimum);
      EXPECT_TRUE(!table.hides_row[r] || row.row_shares(column) == 0);
      EXPECT_TRUE(!table.hides_column[c] || row.column_shares(column) == 0);
    }
  }
}

TEST_F(WithheldAttackTest, NoCellOfACrossTabFollowsFromTheSums) {
  SCOPED_TRACE(fmt::format("seed {}", seed_));
  int hidden = 0;
  int shown_cells = 0;
  for (int round = 0; round < 150 && !HasFailure(); ++round) {
    v1::CrossTabRequest request;
    request.mutable_selection()->set_expression(RandomCrowd());
    SetAxis(request.mutable_rows());
    SetAxis(request.mutable_columns());
    SCOPED_TRACE(request.ShortDebugString());
    v1::CrossTabResponse whole;
    v1::CrossTabResponse shown;
    ASSERT_TRUE(Call("boss", "InsightService/CrossTab", request, &whole).ok());
    ASSERT_TRUE(Call("low", "InsightService/CrossTab", request, &shown).ok());
    if (whole.count() < kMinimum) {
      EXPECT_EQ(shown.rows().entries_size() + shown.columns().entries_size(), 0);
      EXPECT_EQ(shown.count(), 0);
      continue;
    }
    EXPECT_EQ(shown.count(), whole.count());
    const Table table = ToTable(whole, shown);
    ExpectTrue(table, shown);
    for (size_t r = 0; r < table.rows(); ++r) {
      for (size_t c = 0; c < table.columns(); ++c) {
        shown_cells += table.hidden[r][c] ? 0 : 1;
        if (!table.hidden[r][c]) continue;
        ++hidden;
        EXPECT_GE(table.Range(r, c, kMinimum), kMinimum) << "cell " << r << ", " << c;
      }
    }
  }
  EXPECT_GT(hidden, 100);
  EXPECT_GT(shown_cells, 100);
}

// A row that is shown is true and of enough users, and so is who is only in one of the crowds.
void ExpectTrueRow(const v1::BreakdownRow& row, const v1::BreakdownRow& truth, bool same_totals) {
  EXPECT_EQ(row.count(), truth.count());
  EXPECT_GE(row.count(), kMinimum);
  if (row.baseline_count() == 0) {
    EXPECT_EQ(row.baseline_share(), 0);
    EXPECT_FALSE(row.has_tgi());
    return;
  }
  EXPECT_EQ(row.baseline_count(), truth.baseline_count());
  const uint64_t apart =
      std::max(row.count(), row.baseline_count()) - std::min(row.count(), row.baseline_count());
  EXPECT_TRUE(apart >= kMinimum || (apart == 0 && same_totals));
}

bool HidesCount(const v1::BreakdownRow& row) {
  return !row.withheld().empty() && row.withheld(0) == "count";
}

// Of a tag of which each user has one value at most: returns how many rows are not named.
int ExpectSafe(const v1::BreakdownResponse& whole, const v1::BreakdownResponse& shown, int place) {
  const v1::TagBreakdown& tag = shown.tags(place);
  SCOPED_TRACE(tag.tag());
  const bool same_totals = whole.count() == whole.baseline_count();
  std::map<std::string, const v1::BreakdownRow*> truth;
  for (const v1::BreakdownRow& row : whole.tags(place).rows()) {
    truth[row.value().SerializeAsString()] = &row;
  }
  uint64_t left = shown.count();
  for (const v1::BreakdownRow& row : tag.rows()) {
    ExpectTrueRow(row, *truth.at(row.value().SerializeAsString()), same_totals);
    left -= row.count();
  }
  const int folded = whole.tags(place).rows_size() - tag.rows_size();
  if (HidesCount(tag.missing())) {
    EXPECT_EQ(tag.missing().count() + tag.others().count(), 0);
    EXPECT_GE(left, kMinimum);
    return folded;
  }
  if (tag.tag() != "vip") {
    ExpectTrueRow(tag.missing(), whole.tags(place).missing(), same_totals);
    left -= tag.missing().count();
  }
  if (tag.others_values() > 0) {
    EXPECT_GE(left, kMinimum);
    EXPECT_EQ(tag.others().count(), left);
  }
  return folded;
}

TEST_F(WithheldAttackTest, NoRowOfABreakdownFollowsFromTheSums) {
  SCOPED_TRACE(fmt::format("seed {}", seed_));
  int folded = 0;
  int shown_rows = 0;
  for (int round = 0; round < 60 && !HasFailure(); ++round) {
    v1::BreakdownRequest request;
    request.mutable_selection()->set_expression(RandomCrowd());
    if (random_() % 2 == 0) request.mutable_baseline()->set_expression(RandomCrowd());
    for (int t = 0; t < kTags; ++t) request.add_tags(fmt::format("c{}", t));
    request.add_tags("vip");
    request.set_top_k(random_() % 2 == 0 ? 0 : 3);
    SCOPED_TRACE(request.ShortDebugString());
    v1::BreakdownResponse whole;
    v1::BreakdownResponse shown;
    ASSERT_TRUE(Call("boss", "InsightService/Breakdown", request, &whole).ok());
    ASSERT_TRUE(Call("low", "InsightService/Breakdown", request, &shown).ok());
    if (whole.count() < kMinimum) continue;
    ASSERT_EQ(shown.tags_size(), kTags + 1);
    for (int t = 0; t < shown.tags_size(); ++t) {
      folded += ExpectSafe(whole, shown, t);
      shown_rows += shown.tags(t).rows_size();
    }
  }
  EXPECT_GT(folded, 20);
  EXPECT_GT(shown_rows, 0);
}

// Of labels users may have several: neither a row, nor who lacks it, nor how many labels there are
// beyond the users is of few.
TEST_F(WithheldAttackTest, NoComplementOfALabelIsOfFew) {
  SCOPED_TRACE(fmt::format("seed {}", seed_));
  int shown_rows = 0;
  for (int round = 0; round < 60; ++round) {
    v1::BreakdownRequest request;
    request.mutable_selection()->set_expression(RandomCrowd());
    request.add_tags("labels");
    v1::BreakdownResponse shown;
    ASSERT_TRUE(Call("low", "InsightService/Breakdown", request, &shown).ok());
    const v1::TagBreakdown& tag = shown.tags(0);
    uint64_t labels = 0;
    for (const v1::BreakdownRow& row : tag.rows()) {
      EXPECT_GE(row.count(), kMinimum);
      EXPECT_GE(shown.count() - row.count(), kMinimum);
      labels += row.count();
      ++shown_rows;
    }
    if (HidesCount(tag.missing())) continue;
    EXPECT_GE(tag.missing().count(), kMinimum);
    const uint64_t having = shown.count() - tag.missing().count();
    for (const v1::BreakdownRow& row : tag.rows()) EXPECT_GE(having - row.count(), kMinimum);
    const bool knows_all = tag.others().withheld().empty();
    EXPECT_TRUE(!knows_all || labels + tag.others().count() - having >= kMinimum);
  }
  EXPECT_GT(shown_rows, 0);
}

TEST_F(WithheldAttackTest, CrossTabsOverLabelsAreRefused) {
  for (const bool as_rows : {true, false}) {
    v1::CrossTabRequest request;
    request.mutable_selection()->set_expression("all()");
    request.mutable_rows()->set_tag(as_rows ? "labels" : "vip");
    request.mutable_columns()->set_tag(as_rows ? "vip" : "labels");
    EXPECT_TRUE(Call("boss", "InsightService/CrossTab", request).ok());
    const grpc::Status status = Call("low", "InsightService/CrossTab", request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(ReasonOf(status), "MINIMUM_COUNT");
  }
}

}  // namespace
}  // namespace throng::service
