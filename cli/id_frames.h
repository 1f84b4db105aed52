// Ids on their way to UploadService.UploadIds: collected into frames, with the lines that they
// stand on.
//
//   IdFrames frames;
//   frames.Add("8613800001111", 17);
//   if (frames.full()) stream->Write(frames.Take());
//   frames.LineOf(1);   // 17: the first id of the upload
//
// A frame whose ids are all decimals as the server writes them goes as numbers.
#ifndef THRONG_CLI_ID_FRAMES_H_
#define THRONG_CLI_ID_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "throng/v1/upload.pb.h"

namespace throng::cli {

// Not thread-safe.
class IdFrames {
 public:
  void Add(std::string_view id, uint64_t line);
  bool full() const;
  bool empty() const { return ends_.empty(); }
  // The frame, and a new one begins.
  v1::UploadIdsRequest Take();

  // Ids added in all.
  uint64_t count() const { return count_; }
  // The line of an id by its position in the upload, from 1; 0: not known, in a file with very many
  // gaps.
  uint64_t LineOf(uint64_t position) const;

 private:
  std::string data_;
  std::vector<uint32_t> ends_;
  std::vector<uint64_t> numbers_;
  bool all_numbers_ = true;
  uint64_t count_ = 0;
  // From which position on the line is how much ahead of it.
  std::vector<std::pair<uint64_t, uint64_t>> gaps_;
  uint64_t known_ = 0;  // positions up to which gaps_ tells the line
};

// The number that `text` writes as a decimal without leading zeros below 2^64. Thread-safe.
std::optional<uint64_t> DecimalId(std::string_view text);

}  // namespace throng::cli

#endif  // THRONG_CLI_ID_FRAMES_H_
