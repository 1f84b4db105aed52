// Tells two requests apart by 64 bits of their content: a retry of a write from a clash of its
// request id, a page token from one of another list.
//
//   uint64_t hash = RequestFingerprint(request, {"request_id"});
//
// xxHash64 (Y. Collet), seed 0, of the message's deterministic encoding, behind its type's name.
// Fingerprints are kept on disk with request ids, so this must not change. Thread-safe.
#ifndef THRONG_SERVER_SERVICE_REQUEST_FINGERPRINT_H_
#define THRONG_SERVER_SERVICE_REQUEST_FINGERPRINT_H_

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "google/protobuf/message.h"

namespace throng::service {

// The fingerprint of `request` without the named fields, which must exist. Copies the request.
uint64_t RequestFingerprint(const google::protobuf::Message& request,
                            std::initializer_list<std::string_view> without);

// Of bytes.
uint64_t Fingerprint(std::string_view bytes);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_REQUEST_FINGERPRINT_H_
