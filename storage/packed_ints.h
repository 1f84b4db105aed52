// Lists of integers in few bytes: frames of 128 values, each with its least value and the others'
// distance from it in as many bits as the largest needs.
//
//   PackSigned(cells, out);                              // the reader knows how many
//   std::vector<int64_t> cells = UnpackSigned(count, in);
//
// A frame costs two bytes and more beside its bits; equal values cost no bits. The technique is
// known as frame of reference (Goldstein, Ramakrishnan, Shaft, 1998). Thread-safe functions.
#ifndef THRONG_STORAGE_PACKED_INTS_H_
#define THRONG_STORAGE_PACKED_INTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/codec.h"

namespace throng::storage {

inline constexpr size_t kFrameSize = 128;

void PackUnsigned(std::span<const uint64_t> values, ByteWriter& out);
void PackSigned(std::span<const int64_t> values, ByteWriter& out);
// `values` ascend and are distinct: the first one, then the gaps less one.
void PackAscending(std::span<const uint32_t> values, ByteWriter& out);

// `count` values; empty when `in` fails. Never more than 512 bytes of memory for a byte of input.
std::vector<uint64_t> UnpackUnsigned(size_t count, ByteReader& in);
std::vector<int64_t> UnpackSigned(size_t count, ByteReader& in);
// Fails when a value is not below `end`.
std::vector<uint32_t> UnpackAscending(size_t count, uint64_t end, ByteReader& in);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_PACKED_INTS_H_
