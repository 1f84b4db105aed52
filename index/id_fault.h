// What keeps a text from being an id of a type (index/id_type.h), told without an error: for many
// ids.
//
//   std::string kept;
//   if (NormalizeInto(phone, "+86 138", &kept) == IdFault::kNone) ...   // "86138"
//
// Thread-safe functions.
#ifndef THRONG_INDEX_ID_FAULT_H_
#define THRONG_INDEX_ID_FAULT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "index/id_type.h"

namespace throng::index {

// Numbers are part of the disk format.
enum class IdFault : uint8_t {
  kNone = 0,
  kNotHex = 1,
  kEmpty = 2,  // also when no byte is left in the form of the type
  kTooLong = 3,
  kInvalidUtf8 = 4,
};

std::string_view IdFaultName(IdFault fault);  // "NOT_HEX": the reason of the error

// Puts the form in which an id of the type is kept into `kept`, whose memory is used again.
// What it holds after a fault is not said.
IdFault NormalizeInto(const IdTypeDefinition& definition, std::string_view id, std::string* kept);

}  // namespace throng::index

#endif  // THRONG_INDEX_ID_FAULT_H_
