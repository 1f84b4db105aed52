// A digest that is taken up again needs its state, which only the functions have that OpenSSL 3
// calls deprecated.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "server/engine/package_digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

namespace throng::engine {
namespace {

void AppendHex(const unsigned char* bytes, size_t size, std::string* text) {
  constexpr char kDigits[] = "0123456789abcdef";
  const size_t begin = text->size();
  text->resize(begin + 2 * size);
  char* out = text->data() + begin;
  for (size_t i = 0; i < size; ++i) {
    *out++ = kDigits[bytes[i] >> 4];
    *out++ = kDigits[bytes[i] & 15];
  }
}

}  // namespace

struct Sha256::Context {
  SHA256_CTX sha;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { SHA256_Init(&context_->sha); }

Sha256::Sha256(const Sha256State& state) : Sha256() {
  SHA256_CTX& sha = context_->sha;
  if (state.bytes == 0) return;
  std::copy(state.words.begin(), state.words.end(), sha.h);
  const uint64_t bits = state.bytes / SHA256_CBLOCK * SHA256_CBLOCK * 8;
  sha.Nl = static_cast<SHA_LONG>(bits);
  sha.Nh = static_cast<SHA_LONG>(bits >> 32);
  Add(state.rest);
}

Sha256::~Sha256() = default;

void Sha256::Add(std::string_view bytes) {
  SHA256_Update(&context_->sha, bytes.data(), bytes.size());
}

Sha256State Sha256::state() const {
  const SHA256_CTX& sha = context_->sha;
  Sha256State state;
  std::copy(std::begin(sha.h), std::end(sha.h), state.words.begin());
  state.rest.assign(reinterpret_cast<const char*>(sha.data), sha.num);
  state.bytes = (uint64_t{sha.Nh} << 32 | sha.Nl) / 8;
  return state;
}

std::string Sha256::Hex() const {
  SHA256_CTX copy = context_->sha;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &copy);
  std::string text;
  AppendHex(digest, sizeof(digest), &text);
  return text;
}

struct IdHasher::Context {
  SHA256_CTX sha;
  MD5_CTX md5;
};

IdHasher::IdHasher(IdHashing hashing) : hashing_(hashing), context_(std::make_unique<Context>()) {}
IdHasher::~IdHasher() = default;
IdHasher::IdHasher(IdHasher&&) noexcept = default;

void IdHasher::Append(std::string_view id, std::string* text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  if (hashing_ == IdHashing::kMd5) {
    MD5_Init(&context_->md5);
    MD5_Update(&context_->md5, id.data(), id.size());
    MD5_Final(digest, &context_->md5);
    AppendHex(digest, MD5_DIGEST_LENGTH, text);
    return;
  }
  SHA256_Init(&context_->sha);
  SHA256_Update(&context_->sha, id.data(), id.size());
  SHA256_Final(digest, &context_->sha);
  AppendHex(digest, SHA256_DIGEST_LENGTH, text);
}

}  // namespace throng::engine
