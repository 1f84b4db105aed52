// Ids that come a line each, from a file or a pipe, as many at a time as are there: for programs
// that talk to each other. Lists as people have them: cli/id_list_reader.h.
//
//   absl::StatusOr<std::unique_ptr<IdLines>> lines = IdLines::Open("-");
//   std::vector<std::string> ids;
//   while (*(*lines)->Next(1'000, &ids)) Send(ids);
#ifndef THRONG_CLI_ID_LINES_H_
#define THRONG_CLI_ID_LINES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace throng::cli {

// Empty lines are passed over; a "\r" before a line's end is none of the id. Not thread-safe.
class IdLines {
 public:
  // "-": standard input. Errors: the system's, e.g. kNotFound.
  static absl::StatusOr<std::unique_ptr<IdLines>> Open(const std::string& path);
  ~IdLines();
  IdLines(const IdLines&) = delete;
  IdLines& operator=(const IdLines&) = delete;

  // Waits until a line is there, then takes those that can be had without waiting, at most `most`.
  // False: there are no more. Errors: kInvalidArgument (a line of over 1 MiB), the system's.
  absl::StatusOr<bool> Next(size_t most, std::vector<std::string>* ids);

 private:
  explicit IdLines(int descriptor) : descriptor_(descriptor) {}

  // Takes whole lines out of what was read; at the end the last one as well.
  void Take(size_t most, std::vector<std::string>* ids);
  absl::Status Read();

  const int descriptor_;
  std::string read_;  // not taken yet from `taken_` on
  size_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_ID_LINES_H_
