// Feeds any bytes to the decoders of the values that the store keeps beside log records: the first
// byte says which. Encodings are canonical (storage/codec.h): what decodes must encode to the same
// bytes again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "storage/catalogue_codec.h"
#include "storage/crowd_codec.h"
#include "storage/envelope.h"
#include "storage/id_codec.h"
#include "storage/upload_codec.h"

namespace {

using namespace throng::storage;  // NOLINT: the subject of this file
using throng::fuzz::Require;

void CheckCatalogue(uint8_t which, std::string_view bytes) {
  if (which == 0) {
    if (const auto value = DecodePopulation(bytes); value.ok()) {
      Require(EncodePopulation(*value) == bytes, "a population");
    }
  } else if (which == 1) {
    if (const auto value = DecodeBase(bytes); value.ok()) {
      Require(EncodeBase(*value) == bytes, "a base");
    }
  } else if (which == 2) {
    if (const auto value = DecodeTag(bytes); value.ok()) {
      Require(EncodeTag(*value) == bytes, "a tag");
    }
  } else if (const auto value = DecodeRequest(bytes); value.ok()) {
    Require(EncodeRequest(*value) == bytes, "a request");
  }
}

void CheckCrowds(uint8_t which, std::string_view bytes) {
  if (which == 4) {
    if (const auto value = DecodeCrowd(bytes); value.ok()) {
      Require(EncodeCrowd(*value) == bytes, "a crowd");
    }
  } else if (const auto value = DecodeCrowdSetHeader(bytes); value.ok()) {
    Require(EncodeCrowdSetHeader(*value) == bytes, "the header of a crowd's set");
  }
}

void CheckUploads(uint8_t which, std::string_view bytes) {
  if (which == 6) {
    if (const auto value = DecodeUploadHeader(bytes); value.ok()) {
      Require(EncodeUploadHeader(*value) == bytes, "the header of an upload");
    }
  } else if (which == 7) {
    const auto value = DecodeListedIds(bytes);
    if (!value.ok()) return;
    Require(std::is_sorted(value->ids.begin(), value->ids.end()), "listed ids out of order");
    Require(EncodeListedIds(value->ids) == bytes, "listed ids");
  } else if (const auto value = DecodeRefusedIds(bytes); value.ok()) {
    Require(EncodeRefusedIds(*value) == bytes, "refused ids");
  }
}

void CheckIds(uint8_t which, std::string_view bytes, size_t count) {
  if (which == 9) {
    const auto ids = DecodeIdChunk(bytes, count);
    if (!ids.ok()) return;
    Require(ids->size() == count, "another number of ids");
    for (size_t i = 0; i < ids->ends.size(); ++i) Require(ids->view(i).size() < 4096, "a long id");
  } else if (const auto links = DecodeLinkedIds(bytes, count, 1000); links.ok()) {
    Require(links->owners.size() == count && links->ids.size() == count, "another number of links");
    for (const uint32_t owner : links->owners) Require(owner < 1000, "an owner that is not there");
  }
}

// Any value under any key: a checksum stands before all of the above.
void CheckEnvelope(std::string_view bytes) {
  const std::string_view key = bytes.substr(0, std::min<size_t>(bytes.size(), 8));
  static_cast<void>(Unseal(Kind::kTag, Family::kMeta, key, bytes));
  const std::string sealed = Seal(Kind::kTag, key, bytes);
  const auto payload = Unseal(Kind::kTag, Family::kMeta, key, sealed);
  Require(payload.ok() && *payload == bytes, "a sealed value does not open");
  Require(!Unseal(Kind::kCrowd, Family::kMeta, key, sealed).ok(), "a value of another kind");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint8_t which = data[0] % 12;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  if (which < 4) {
    CheckCatalogue(which, bytes);
  } else if (which < 6) {
    CheckCrowds(which, bytes);
  } else if (which < 9) {
    CheckUploads(which, bytes);
  } else if (which < 11) {
    CheckIds(which, bytes, data[1]);
  } else {
    CheckEnvelope(bytes);
  }
  return 0;
}
