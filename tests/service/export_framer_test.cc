#include "server/service/export_framer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "server/service/service_limits.h"

namespace throng::service {
namespace {

struct Collected {
  std::vector<v1::ExportMembersResponse> frames;
  ExportFramer::Write writer() {
    return [this](const v1::ExportMembersResponse& frame) {
      frames.push_back(frame);
      return absl::OkStatus();
    };
  }
};

engine::ExportStart Start(uint64_t total) {
  engine::ExportStart start{.total = total};
  start.info.data_version = 5;
  return start;
}

// Sizes of all frames but the last, which may be small.
void ExpectFrameSizes(const std::vector<v1::ExportMembersResponse>& frames) {
  for (size_t i = 0; i + 1 < frames.size(); ++i) {
    EXPECT_GE(frames[i].ByteSizeLong(), 64u << 10) << i;
    EXPECT_LE(frames[i].ByteSizeLong(), kExportFrameBytesMax) << i;
  }
}

TEST(ExportFramerTest, AnEmptyExportIsOneCompleteFrame) {
  Collected collected;
  ExportFramer framer(2, collected.writer());
  ASSERT_TRUE(framer.Start(Start(0)).ok());
  ASSERT_TRUE(framer.Finish().ok());
  ASSERT_EQ(collected.frames.size(), 1u);
  EXPECT_TRUE(collected.frames[0].complete());
  EXPECT_EQ(collected.frames[0].info().data_version(), 5u);
}

TEST(ExportFramerTest, GathersSmallFramesOfNumbers) {
  Collected collected;
  ExportFramer framer(0, collected.writer());
  ASSERT_TRUE(framer.Start(Start(100'000)).ok());
  for (uint64_t begin = 0; begin < 100'000; begin += 1'000) {
    engine::ExportFrame frame{.numeric = true};
    for (uint64_t i = 0; i < 1'000; ++i) frame.numbers.push_back(begin + i);
    ASSERT_TRUE(framer.Add(std::move(frame)).ok());
  }
  ASSERT_TRUE(framer.Finish().ok());
  ExpectFrameSizes(collected.frames);
  uint64_t next = 0;
  for (size_t i = 0; i < collected.frames.size(); ++i) {
    const auto& frame = collected.frames[i];
    EXPECT_EQ(frame.has_info(), i == 0);
    EXPECT_EQ(frame.total(), i == 0 ? 100'000u : 0u);
    EXPECT_EQ(frame.complete(), i + 1 == collected.frames.size());
    for (const uint64_t number : frame.numbers()) EXPECT_EQ(number, next++);
  }
  EXPECT_EQ(next, 100'000u);
}

TEST(ExportFramerTest, CutsWideRowsAndKeepsColumnsBesideIds) {
  Collected collected;
  ExportFramer framer(2, collected.writer());
  ASSERT_TRUE(framer.Start(Start(500)).ok());
  engine::ExportFrame frame;
  frame.columns.resize(2);
  for (int i = 0; i < 500; ++i) {
    frame.ids.push_back("u" + std::to_string(i));
    frame.columns[0].push_back(std::string(10'000, 'x'));
    frame.columns[1].push_back(std::to_string(i));
  }
  ASSERT_TRUE(framer.Add(std::move(frame)).ok());
  ASSERT_TRUE(framer.Finish().ok());
  ExpectFrameSizes(collected.frames);
  int next = 0;
  for (const auto& sent : collected.frames) {
    if (sent.ids_size() == 0) continue;
    ASSERT_EQ(sent.columns_size(), 2);
    ASSERT_EQ(sent.columns(0).values_size(), sent.ids_size());
    ASSERT_EQ(sent.columns(1).values_size(), sent.ids_size());
    for (int row = 0; row < sent.ids_size(); ++row, ++next) {
      EXPECT_EQ(sent.ids(row), "u" + std::to_string(next));
      EXPECT_EQ(sent.columns(1).values(row), std::to_string(next));
    }
  }
  EXPECT_EQ(next, 500);
}

TEST(ExportFramerTest, NumbersAndTextsNeverShareAFrame) {
  Collected collected;
  ExportFramer framer(0, collected.writer());
  ASSERT_TRUE(framer.Start(Start(3)).ok());
  ASSERT_TRUE(framer.Add({.numeric = true, .numbers = {1}}).ok());
  ASSERT_TRUE(framer.Add({.numeric = false, .ids = {"x"}}).ok());
  ASSERT_TRUE(framer.Add({.numeric = true, .numbers = {2}}).ok());
  ASSERT_TRUE(framer.Finish().ok());
  ASSERT_EQ(collected.frames.size(), 3u);
  for (const auto& frame : collected.frames) {
    EXPECT_EQ(frame.ids_size() + frame.numbers_size(), 1);
  }
}

TEST(ExportFramerTest, CutsABitmapWithoutLoss) {
  Collected collected;
  ExportFramer framer(0, collected.writer());
  std::string bitmap;
  for (int i = 0; i < 1'000'000; ++i) bitmap += static_cast<char>(i * 31);
  ASSERT_TRUE(framer.Start(Start(9)).ok());
  ASSERT_TRUE(framer.AddRoaring(bitmap).ok());
  ASSERT_TRUE(framer.Finish().ok());
  ExpectFrameSizes(collected.frames);
  std::string joined;
  for (const auto& frame : collected.frames) joined += frame.roaring();
  EXPECT_EQ(joined, bitmap);
  EXPECT_TRUE(collected.frames.back().complete());
}

TEST(ExportFramerTest, RefusesMisshapenFramesAndStopsAtTheFirstError) {
  Collected collected;
  ExportFramer framer(1, collected.writer());
  EXPECT_EQ(framer.Add({.numeric = true, .numbers = {1}}).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(framer.Add({.numeric = true, .numbers = {1}, .columns = {{"a", "b"}}}).code(),
            absl::StatusCode::kInternal);
  ExportFramer broken(0, [](const auto&) { return absl::CancelledError("gone"); });
  EXPECT_EQ(broken.Finish().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace throng::service
