#include "server/service/convert_batch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/service/status_matchers.h"

namespace throng::service {
namespace {

bool PointsInto(const void* data, const void* begin, size_t bytes) {
  const auto address = reinterpret_cast<uintptr_t>(data);
  const auto first = reinterpret_cast<uintptr_t>(begin);
  return address >= first && address < first + bytes;
}

v1::LoadHeader GoodHeader() {
  v1::LoadHeader header;
  header.set_mode(v1::LOAD_MODE_REPLACE);
  header.set_unknown_ids(v1::UNKNOWN_IDS_SKIP);
  header.add_tags("city");
  header.set_load_id("nightly");
  header.set_max_errors(3);
  return header;
}

TEST(ConvertLoadHeaderTest, EveryFieldArrives) {
  v1::LoadHeader proto = GoodHeader();
  proto.set_population("populations/renters");
  const absl::StatusOr<engine::LoadHeader> header = ToLoadHeader(proto);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->population, "renters");
  EXPECT_EQ(header->mode, engine::LoadMode::kReplace);
  EXPECT_EQ(header->unknown_ids, engine::UnknownIds::kSkip);
  EXPECT_EQ(header->tags, std::vector<std::string>{"city"});
  EXPECT_EQ(header->load_id, "nightly");
  EXPECT_EQ(header->errors_max, 3u);
}

TEST(ConvertLoadHeaderTest, NamesWhatIsWrong) {
  v1::LoadHeader header = GoodHeader();
  header.clear_mode();
  EXPECT_EQ(ReasonOf(ToLoadHeader(header).status()), "UNSPECIFIED at header.mode");
  header = GoodHeader();
  header.clear_unknown_ids();
  EXPECT_EQ(ReasonOf(ToLoadHeader(header).status()), "UNSPECIFIED at header.unknown_ids");
  header = GoodHeader();
  header.set_population("renters");
  EXPECT_EQ(ReasonOf(ToLoadHeader(header).status()), "BAD_RESOURCE_NAME at header.population");
  header = GoodHeader();
  header.set_load_id(std::string(128, 'x'));
  EXPECT_TRUE(ToLoadHeader(header).ok());
  header.set_load_id(std::string(129, 'x'));
  EXPECT_EQ(ReasonOf(ToLoadHeader(header).status()), "LOAD_ID_TOO_LONG at header.load_id");
}

TEST(ConvertBatchTest, ColumnsAreViewsOfTheMessage) {
  v1::ColumnBatch proto;
  proto.set_batch_number(4);
  proto.mutable_ids()->mutable_numbers()->add_values(~uint64_t{0});
  v1::TagColumn* city = proto.add_columns();
  city->set_tag("city");
  city->set_leave_mask("\x02");
  city->mutable_categories()->add_values("Paris");
  city->mutable_categories()->add_codes(0);
  v1::TagColumn* labels = proto.add_columns();
  labels->mutable_labels()->add_values("a");
  labels->mutable_labels()->add_codes(0);
  labels->mutable_labels()->add_ends(1);
  proto.add_columns()->mutable_integers()->add_values(-5);
  proto.add_columns()->set_flags("\x01");

  const absl::StatusOr<engine::ColumnBatch> batch = ToColumnBatch(proto);
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->number, 4u);
  const auto ids = std::get<std::span<const uint64_t>>(batch->ids);
  EXPECT_EQ(ids.data(), proto.ids().numbers().values().data());
  EXPECT_EQ(ids[0], ~uint64_t{0});
  ASSERT_EQ(batch->columns.size(), 4u);
  EXPECT_EQ(batch->columns[0].tag, "city");
  EXPECT_TRUE(PointsInto(batch->columns[0].leave_mask.data(), city->leave_mask().data(), 1));
  const auto& coded = std::get<engine::CodedView>(batch->columns[0].values);
  EXPECT_EQ(coded.codes.data(), city->categories().codes().data());
  EXPECT_TRUE(PointsInto(coded.values[0].data(), city->categories().values(0).data(), 5));
  const auto& label = std::get<engine::LabelsView>(batch->columns[1].values);
  EXPECT_EQ(label.ends.data(), labels->labels().ends().data());
  EXPECT_EQ(std::get<engine::IntegersView>(batch->columns[2].values).values[0], -5);
  EXPECT_EQ(std::get<engine::FlagsView>(batch->columns[3].values).bits, "\x01");
}

TEST(ConvertBatchTest, TextIds) {
  v1::ColumnBatch proto;
  proto.mutable_ids()->mutable_texts()->set_data("ab");
  proto.mutable_ids()->mutable_texts()->add_ends(1);
  proto.mutable_ids()->mutable_texts()->add_ends(2);
  const absl::StatusOr<engine::ColumnBatch> batch = ToColumnBatch(proto);
  ASSERT_TRUE(batch.ok());
  const auto& texts = std::get<engine::TextsView>(batch->ids);
  EXPECT_EQ(texts.data, "ab");
  EXPECT_EQ(texts.ends.size(), 2u);
}

TEST(ConvertBatchTest, NamesWhatIsUnset) {
  v1::ColumnBatch proto;
  EXPECT_EQ(ReasonOf(ToColumnBatch(proto).status()), "REQUIRED at batch.ids.kind");
  proto.mutable_ids()->mutable_numbers();
  proto.add_columns()->set_flags("");
  EXPECT_TRUE(ToColumnBatch(proto).ok());
  proto.add_columns()->set_tag("city");
  EXPECT_EQ(ReasonOf(ToColumnBatch(proto).status()), "REQUIRED at batch.columns[1].values");
}

TEST(ConvertBatchTest, ProgressAndSummary) {
  v1::LoadProgress progress;
  ProgressToProto(
      {.batch_number = 1,
       .data_version = 2,
       .rows = 3,
       .errors = {{.batch_number = 1, .row = 4, .tag = "t", .reason = "R", .message = "m"}}},
      &progress);
  EXPECT_EQ(progress.ShortDebugString(),
            "batch_number: 1 data_version: 2 rows: 3 errors { batch_number: 1 row: 4 tag: \"t\" "
            "reason: \"R\" message: \"m\" }");
  v1::LoadSummary summary;
  SummaryToProto({.data_version = 1,
                  .rows = 2,
                  .rows_refused = 3,
                  .rows_skipped = 4,
                  .users_created = 5,
                  .batches_repeated = 6,
                  .server_time = std::chrono::nanoseconds(1'000'000'007)},
                 &summary);
  EXPECT_EQ(summary.ShortDebugString(),
            "data_version: 1 rows: 2 rows_refused: 3 rows_skipped: 4 users_created: 5 "
            "batches_repeated: 6 server_time { seconds: 1 nanos: 7 }");
}

}  // namespace
}  // namespace throng::service
