// Reads packages as a receiver would, with nothing of the engine's: zlib, zstd, CRoaring and
// OpenSSL as they are, and a csv reader after RFC 4180.
//
//   std::string text = Unpack(bytes, "gzip");
//   std::vector<std::vector<std::string>> rows = ReadCsv(text);
//
// Ends the test program on bytes that are not what they should be. Thread-safe functions.
#ifndef THRONG_TESTS_SERVER_PACKAGE_READER_H_
#define THRONG_TESTS_SERVER_PACKAGE_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace throng::engine {

// `compression`: "none", "gzip" or "zstd".
std::string Unpack(std::string_view bytes, std::string_view compression);
// Records of fields, the header too.
std::vector<std::vector<std::string>> ReadCsv(std::string_view text);
std::vector<std::string> ReadLines(std::string_view text);
// A member of each object as text: strings as they are, all else as JSON.
std::vector<std::map<std::string, std::string>> ReadNdjson(std::string_view text);
// Ascending.
std::vector<uint64_t> ReadRoaring(std::string_view bytes, bool is_64_bit);
// "sha256" or "md5", in lower-case hexadecimal.
std::string HashOf(std::string_view bytes, const char* name);
std::string ReadFile(const std::string& path);

}  // namespace throng::engine

#endif  // THRONG_TESTS_SERVER_PACKAGE_READER_H_
