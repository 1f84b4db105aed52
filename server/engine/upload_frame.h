// The ids of one frame of an upload, looked up by several threads and told in their order.
//
//   UploadFrame frame(snapshot, type, parallel);
//   frame.LookUp(ids);
//   frame.ForEach([&](uint64_t hash, uint32_t user) { ... },
//                 [&](uint64_t hash, std::string_view id) { ... },
//                 [&](uint32_t place, index::IdFault fault, std::string_view text) { ... });
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_UPLOAD_FRAME_H_
#define THRONG_SERVER_ENGINE_UPLOAD_FRAME_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/id_fault.h"
#include "index/id_type.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "server/engine/user_lookup.h"
#include "server/engine/write_batch.h"

namespace throng::engine {

// Not thread-safe; keeps its memory for the next frame.
class UploadFrame {
 public:
  // `type` is of the snapshot, null for the primary one. Borrows all.
  UploadFrame(const index::Snapshot& snapshot, const index::IdTypeDefinition* type,
              index::Parallel& parallel)
      : snapshot_(snapshot), type_(type), parallel_(parallel) {}

  // A number is in its kept form, whatever the type does to texts.
  void LookUp(std::span<const uint64_t> numbers);
  // REQUIRES: the ends ascend to the length of the data. `texts` must live until ForEach() is done.
  void LookUp(const TextsView& texts);

  // In the order in which they came: known(hash, user) for each id of a user, unknown(hash, id) for
  // each that is nobody's, in its kept form, and refused(place, fault, text) for what is none, with
  // its place in the frame. Views are valid during the call.
  template <typename Known, typename Unknown, typename Refused>
  void ForEach(Known known, Unknown unknown, Refused refused) const {
    char buffer[20];  // of a number: 2^64 - 1 has 20 digits
    for (const Slice& slice : std::span(slices_).first(used_)) {
      size_t next_refused = 0;
      size_t next_id = 0;
      for (uint32_t place = slice.begin; place < slice.end; ++place) {
        if (next_refused < slice.refused.size() && slice.refused[next_refused].place == place) {
          refused(place, slice.refused[next_refused++].fault, TextAt(place));
          continue;
        }
        const FoundId& id = slice.ids[next_id];
        if (id.is_known) {
          known(id.hash, id.user);
        } else {
          unknown(id.hash, IdOf(slice, next_id, buffer));
        }
        ++next_id;
      }
    }
  }

 private:
  struct FoundId {
    uint64_t hash = 0;
    uint32_t user = 0;
    bool is_known = false;
  };
  struct RefusedPlace {
    uint32_t place = 0;
    index::IdFault fault = index::IdFault::kNone;
  };
  // Ids that one thread looks up.
  struct Slice {
    uint32_t begin = 0;
    uint32_t end = 0;
    std::string kept;  // forms of texts, end to end
    std::vector<uint32_t> ends;
    std::vector<FoundId> ids;
    std::vector<RefusedPlace> refused;

    std::string_view KeptAt(size_t i) const {
      const uint32_t from = i == 0 ? 0 : ends[i - 1];
      return std::string_view(kept).substr(from, ends[i] - from);
    }
  };

  // Cuts a frame of so many ids into slices and has `fill(slice)` called for each.
  template <typename Fill>
  void ForSlices(size_t count, Fill fill);
  void Normalize(Slice* slice) const;
  std::string_view TextAt(uint32_t place) const {
    const uint32_t from = place == 0 ? 0 : texts_.ends[place - 1];
    return texts_.data.substr(from, texts_.ends[place] - from);
  }
  // Formats a number into `buffer`: the hash of a known one is there already.
  std::string_view IdOf(const Slice& slice, size_t i, char (&buffer)[20]) const {
    if (!is_numeric_) return slice.KeptAt(i);
    const char* end = std::to_chars(buffer, buffer + 20, numbers_[slice.begin + i]).ptr;
    return {buffer, static_cast<size_t>(end - buffer)};
  }

  const index::Snapshot& snapshot_;
  const index::IdTypeDefinition* const type_;
  index::Parallel& parallel_;
  bool is_numeric_ = false;
  std::span<const uint64_t> numbers_;
  TextsView texts_;
  std::vector<Slice> slices_;
  size_t used_ = 0;  // of slices_
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_UPLOAD_FRAME_H_
