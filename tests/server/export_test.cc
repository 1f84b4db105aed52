// Exports: ids in frames, columns as text, bitmaps, and what is refused.
#include <algorithm>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/roaring_codec.h"
#include "server/engine/selections.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;

// Everything an export gave.
struct Exported {
  int starts = 0;
  ExportStart start;
  std::vector<ExportFrame> frames;
  std::string roaring;

  ExportSink Sink() {
    return {.start =
                [this](const ExportStart& s) {
                  ++starts;
                  start = s;
                  return absl::OkStatus();
                },
            .frame =
                [this](ExportFrame frame) {
                  frames.push_back(std::move(frame));
                  return absl::OkStatus();
                },
            .roaring =
                [this](std::string bytes) {
                  roaring = std::move(bytes);
                  return absl::OkStatus();
                }};
  }
  Texts Ids() const {
    Texts ids;
    for (const ExportFrame& frame : frames) {
      for (const uint64_t number : frame.numbers) ids.push_back(std::to_string(number));
      ids.insert(ids.end(), frame.ids.begin(), frame.ids.end());
    }
    return ids;
  }
  Texts Column(size_t i) const {
    Texts column;
    for (const ExportFrame& frame : frames) {
      column.insert(column.end(), frame.columns[i].begin(), frame.columns[i].end());
    }
    return column;
  }
};

class ExportTest : public ::testing::Test {
 protected:
  absl::Status Export(const std::string& expression, const ExportOptions& options,
                      Exported* exported) {
    return world_.selections().Export(world_.context(), {.what = expression}, options,
                                      exported->Sink());
  }
  void ExpectError(const ExportOptions& options, std::string_view reason, std::string_view field) {
    Exported exported;
    const absl::Status status = Export("all()", options, &exported);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
    EXPECT_EQ(exported.starts, 0);
  }

  EngineWorld world_;
};

TEST_F(ExportTest, GivesIdsAndColumns) {
  FillRental(&world_);
  Exported exported;
  MustBeOk(Export("all()",
                  {.tags = {"is_graduate", "city", "interests", "views", "score", "birthday",
                            "seen", "nobody"}},
                  &exported));
  EXPECT_EQ(exported.starts, 1);
  EXPECT_EQ(exported.start.total, 6);
  EXPECT_EQ(exported.start.info.canonical_expression, "all()");
  EXPECT_EQ(exported.Ids(), (Texts{"u1", "u2", "u3", "u4", "u5", "6"}));
  EXPECT_EQ(exported.Column(0), (Texts{"true", "true", "false", "false", "true", "false"}));
  EXPECT_EQ(exported.Column(1), (Texts{"Beijing", "Tianjin", "Beijing", "Wuhan", "", ""}));
  EXPECT_EQ(exported.Column(2),
            (Texts{"garden|metro", "metro", "garden", "a\\|b\\\\c|pool", "", ""}));
  EXPECT_EQ(exported.Column(3), (Texts{"5", "3", "0", "-7", "", ""}));
  EXPECT_EQ(exported.Column(4), (Texts{"1.25", "-0.50", "", "10.00", "", ""}));
  EXPECT_EQ(exported.Column(5), (Texts{"2000-02-29", "1999-12-31", "2024-03-15", "", "", ""}));
  EXPECT_EQ(exported.Column(6),
            (Texts{"2024-03-15T09:59:00Z", "2024-03-14T23:30:00Z", "", "", "", ""}));
  EXPECT_EQ(exported.Column(7), Texts(6));
}

TEST_F(ExportTest, ColumnsBelongToTheSelectedUsers) {
  FillRental(&world_);
  Exported exported;
  MustBeOk(Export("views <= 3", {.tags = {"interests", "views", "interests"}}, &exported));
  EXPECT_EQ(exported.Ids(), (Texts{"u2", "u3", "u4"}));
  EXPECT_EQ(exported.Column(0), (Texts{"metro", "garden", "a\\|b\\\\c|pool"}));
  EXPECT_EQ(exported.Column(1), (Texts{"3", "0", "-7"}));
  EXPECT_EQ(exported.Column(2), exported.Column(0));
}

TEST_F(ExportTest, NobodyIsAStartWithoutFrames) {
  FillRental(&world_);
  Exported exported;
  MustBeOk(Export("none()", {}, &exported));
  EXPECT_EQ(exported.starts, 1);
  EXPECT_EQ(exported.start.total, 0);
  EXPECT_EQ(exported.frames.size(), 0);
}

TEST_F(ExportTest, FramesHaveAtMost8192Rows) {
  world_.LoadNumbers(1, 20'000);
  world_.CreateTag({.name = "odd", .type = index::TagType::kCategory});
  world_.Write("8193", {{"odd", Text("yes")}});
  Exported exported;
  MustBeOk(Export("all()", {.tags = {"odd"}}, &exported));
  ASSERT_EQ(exported.frames.size(), 3);
  EXPECT_EQ(exported.frames[0].numbers.size(), 8'192);
  EXPECT_EQ(exported.frames[1].numbers.size(), 8'192);
  EXPECT_EQ(exported.frames[2].numbers.size(), 3'616);
  EXPECT_EQ(exported.frames[1].columns[0][0], "yes");
  const Texts ids = exported.Ids();
  for (size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(ids[i], std::to_string(i + 1));
  const Texts column = exported.Column(0);
  EXPECT_EQ(std::count(column.begin(), column.end(), ""), 19'999);
}

TEST_F(ExportTest, FramesAreNumericWhereEveryIdOfTheirChunksIs) {
  world_.LoadNumbers(1, 65'536);
  world_.Write("text", {});
  world_.Write("70000", {});
  Exported exported;
  MustBeOk(Export("ids(65535, 65536, 70000, 'text')", {}, &exported));
  ASSERT_EQ(exported.frames.size(), 2);
  EXPECT_TRUE(exported.frames[0].numeric);
  EXPECT_EQ(exported.frames[0].numbers, (std::vector<uint64_t>{65'535, 65'536}));
  EXPECT_FALSE(exported.frames[1].numeric);
  EXPECT_EQ(exported.frames[1].ids, (Texts{"text", "70000"}));
}

TEST_F(ExportTest, SparseUsersOfManyChunksShareFrames) {
  world_.LoadNumbers(0, 200'000);
  Exported exported;
  MustBeOk(Export("ids(1, 65536, 131072, 199999)", {.tags = {"loaded"}}, &exported));
  ASSERT_EQ(exported.frames.size(), 1);
  EXPECT_EQ(exported.frames[0].numbers, (std::vector<uint64_t>{1, 65'536, 131'072, 199'999}));
  EXPECT_EQ(exported.Column(0), Texts(4, "false"));
}

TEST_F(ExportTest, RoaringHoldsTheNumbers) {
  world_.LoadNumbers(5'000'000'000, 100'000);
  world_.Write("7", {});
  Exported exported;
  MustBeOk(Export("not ids(5000000001)", {.roaring = true}, &exported));
  EXPECT_EQ(exported.start.total, 100'000);
  EXPECT_EQ(exported.frames.size(), 0);
  const std::vector<uint64_t> numbers = Must(index::DecodeNumbers(exported.roaring, 1'000'000));
  ASSERT_EQ(numbers.size(), 100'000);
  EXPECT_EQ(numbers[0], 7);
  EXPECT_EQ(numbers[1], 5'000'000'000);
  EXPECT_EQ(numbers[2], 5'000'000'002);
  world_.Write("text", {});
  ExpectError({.roaring = true}, "NOT_NUMERIC", "roaring");
}

TEST_F(ExportTest, ErrorsNameTheField) {
  FillRental(&world_);
  ExpectError({.tags = {"city", "citty"}}, "UNKNOWN_TAG", "tags[1]");
  ExpectError({.tags = {"city"}, .roaring = true}, "TAGS_WITH_ROARING", "tags");
  Exported exported;
  EXPECT_EQ(FieldOf(Export("city =", {}, &exported)), "selection.expression");
  const absl::Status near = Export("all()", {.tags = {"citty"}}, &exported);
  EXPECT_EQ(index::GetErrorDetail(near)->suggestion, "city");
}

TEST_F(ExportTest, TagsEndAtTheirLimit) {
  FillRental(&world_);
  Exported exported;
  MustBeOk(Export("all()", {.tags = Texts(kExportTagsMax, "city")}, &exported));
  EXPECT_EQ(exported.frames[0].columns.size(), kExportTagsMax);
  ExpectError({.tags = Texts(kExportTagsMax + 1, "city")}, "TOO_MANY_TAGS", "tags");
}

TEST_F(ExportTest, TagsBeyondTheCallersLevelDoNotExist) {
  FillRental(&world_);
  Exported exported;
  const auto export_as = [&](int level, const std::string& tag) {
    return world_.selections().Export(EngineWorld::Seeing(level), {.what = "all()"},
                                      {.tags = {tag}}, exported.Sink());
  };
  MustBeOk(export_as(7, "income"));
  EXPECT_EQ(exported.Column(0), (Texts{"high", "low", "high", "", "", ""}));
  for (const std::string tag : {"income", "incom"}) {
    const absl::Status status = export_as(6, tag);
    EXPECT_EQ(ReasonOf(status), "UNKNOWN_TAG");
    EXPECT_EQ(index::GetErrorDetail(status)->suggestion, "");
  }
}

TEST_F(ExportTest, SinksAndCallersEndIt) {
  world_.LoadNumbers(1, 30'000);
  Exported exported;
  ExportSink full = exported.Sink();
  full.frame = [&](ExportFrame frame) {
    exported.frames.push_back(std::move(frame));
    return absl::ResourceExhaustedError("the disk is full");
  };
  EXPECT_EQ(world_.selections().Export(world_.context(), {.what = "all()"}, {}, full).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(exported.frames.size(), 1);

  bool cancelled = false;
  CallContext context = CallContext::Internal();
  context.cancelled = [&] { return cancelled; };
  ExportSink cancelling = exported.Sink();
  exported.frames.clear();
  cancelling.frame = [&](ExportFrame frame) {
    exported.frames.push_back(std::move(frame));
    cancelled = exported.frames.size() == 2;
    return absl::OkStatus();
  };
  EXPECT_EQ(world_.selections().Export(context, {.what = "all()"}, {}, cancelling).code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(exported.frames.size(), 2);
}

TEST_F(ExportTest, ReadsAVersion) {
  FillRental(&world_);
  const uint64_t before =
      Must(world_.selections().Count(world_.context(), {.what = "all()"})).info.data_version;
  world_.Write("u2", {{"city", Text("Wuhan")}});
  world_.Write("u8", {{"city", Text("Wuhan")}});
  Exported exported;
  MustBeOk(world_.selections().Export(world_.context(), {.what = "all()", .read_version = before},
                                      {.tags = {"city"}}, exported.Sink()));
  EXPECT_EQ(exported.Ids(), (Texts{"u1", "u2", "u3", "u4", "u5", "6"}));
  EXPECT_EQ(exported.Column(0), (Texts{"Beijing", "Tianjin", "Beijing", "Wuhan", "", ""}));
}

}  // namespace
}  // namespace throng::engine
