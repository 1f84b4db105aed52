#include "cli/progress_line.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/time/clock.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr int kBarColumns = 20;
constexpr absl::Duration kDrawEvery = absl::Milliseconds(100);
constexpr absl::Duration kWriteEvery = absl::Seconds(5);

std::string TimeLeft(double fraction, absl::Duration elapsed) {
  // Too early to tell.
  if (fraction < 0.005 || elapsed < absl::Milliseconds(500)) return "";
  const auto seconds = static_cast<int64_t>(
      absl::ToDoubleSeconds(elapsed) * (1.0 - std::min(fraction, 1.0)) / fraction + 0.5);
  if (seconds >= 3600) {
    return fmt::format("  about {} h {:02} min left", seconds / 3600, seconds / 60 % 60);
  }
  if (seconds >= 60) return fmt::format("  about {} min {:02} s left", seconds / 60, seconds % 60);
  return fmt::format("  about {} s left", seconds);
}

}  // namespace

std::string ProgressText(const std::string& work, const std::string& unit, uint64_t count,
                         double fraction, absl::Duration elapsed, bool bar) {
  std::string text = work;
  if (fraction >= 0) {
    const double shown = std::min(fraction, 1.0);
    if (bar) {
      const auto filled = static_cast<size_t>(shown * kBarColumns);
      text += fmt::format("  [{:<{}}]", std::string(filled, '#'), kBarColumns);
    }
    text += fmt::format("  {:>3.0f} %", shown * 100.0);
  }
  const double seconds = std::max(absl::ToDoubleSeconds(elapsed), 0.001);
  text +=
      fmt::format("  {} {}  {} {}/s", FormatCount(count), unit,
                  FormatCount(static_cast<uint64_t>(static_cast<double>(count) / seconds)), unit);
  return text + TimeLeft(fraction, elapsed);
}

ProgressLine::ProgressLine(std::string work, std::string unit)
    : work_(std::move(work)),
      unit_(std::move(unit)),
      terminal_(IsTerminal(stderr)),
      start_(absl::Now()),
      next_draw_(start_ + (terminal_ ? kDrawEvery : kWriteEvery)) {}

void ProgressLine::Update(uint64_t count, double fraction) {
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex_);
  if (now < next_draw_) return;
  next_draw_ = now + (terminal_ ? kDrawEvery : kWriteEvery);
  const std::string text = ProgressText(work_, unit_, count, fraction, now - start_, terminal_);
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", text);
    std::fflush(stderr);
    drawn_ = true;
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

void ProgressLine::Clear() {
  absl::MutexLock lock(&mutex_);
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace throng::cli
