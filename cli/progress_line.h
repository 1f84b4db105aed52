// Shows how far a long piece of work is.
//
//   ProgressLine progress("Loading", "rows");
//   progress.Update(rows, 0.25);
//   progress.Clear();
//
// On a terminal one line is drawn again and again:
//   Loading  [#####               ]  25 %  1,250,000 rows  412,000 rows/s  about 9 s left
// elsewhere a plain line is written every few seconds.
#ifndef THRONG_CLI_PROGRESS_LINE_H_
#define THRONG_CLI_PROGRESS_LINE_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace throng::cli {

// Writes to stderr. Thread-safe.
class ProgressLine {
 public:
  // `work` says what is done, `unit` what is counted.
  ProgressLine(std::string work, std::string unit);

  // `count` units are done, `fraction` (0 to 1; negative: unknown) of all. Cheap enough to be
  // called often: draws ten times a second at most.
  void Update(uint64_t count, double fraction);
  // Removes the line from a terminal.
  void Clear();

 private:
  const std::string work_;
  const std::string unit_;
  const bool terminal_;
  const absl::Time start_;
  absl::Mutex mutex_;
  absl::Time next_draw_ ABSL_GUARDED_BY(mutex_);
  bool drawn_ ABSL_GUARDED_BY(mutex_) = false;
};

// The text of the line: `elapsed` since the start, at most 100 columns for counts below 10^12.
std::string ProgressText(const std::string& work, const std::string& unit, uint64_t count,
                         double fraction, absl::Duration elapsed, bool bar);

}  // namespace throng::cli

#endif  // THRONG_CLI_PROGRESS_LINE_H_
