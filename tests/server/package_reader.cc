#include "tests/server/package_reader.h"

#include <openssl/evp.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "roaring/roaring.h"
#include "roaring/roaring64.h"

namespace throng::engine {
namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "a package is not readable: %s\n", what);
  std::abort();
}

std::string Gunzip(std::string_view bytes) {
  std::string text;
  Require(!bytes.empty(), "an empty gzip file");
  while (!bytes.empty()) {
    z_stream stream = {};
    Require(inflateInit2(&stream, 15 + 16) == Z_OK, "inflateInit2");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    int status = Z_OK;
    while (status == Z_OK) {
      char buffer[4096];
      stream.next_out = reinterpret_cast<Bytef*>(buffer);
      stream.avail_out = sizeof(buffer);
      status = inflate(&stream, Z_NO_FLUSH);
      text.append(buffer, sizeof(buffer) - stream.avail_out);
    }
    Require(status == Z_STREAM_END, "gzip");
    bytes.remove_prefix(bytes.size() - stream.avail_in);
    inflateEnd(&stream);
  }
  return text;
}

std::string Unzstd(std::string_view bytes) {
  Require(!bytes.empty(), "an empty zstd file");
  std::string text;
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t left = 1;
  while (in.pos < in.size || left != 0) {
    char buffer[4096];
    ZSTD_outBuffer out{buffer, sizeof(buffer), 0};
    left = ZSTD_decompressStream(context, &out, &in);
    Require(ZSTD_isError(left) == 0, "zstd");
    text.append(buffer, out.pos);
    Require(left == 0 || out.pos > 0 || in.pos < in.size, "a zstd frame ends early");
  }
  ZSTD_freeDCtx(context);
  return text;
}

}  // namespace

std::string Unpack(std::string_view bytes, std::string_view compression) {
  if (compression == "gzip") return Gunzip(bytes);
  if (compression == "zstd") return Unzstd(bytes);
  return std::string(bytes);
}

std::vector<std::vector<std::string>> ReadCsv(std::string_view text) {
  std::vector<std::vector<std::string>> records;
  size_t i = 0;
  while (i < text.size()) {
    std::vector<std::string> record;
    while (true) {
      std::string field;
      if (i < text.size() && text[i] == '"') {
        for (++i; i < text.size(); ++i) {
          if (text[i] != '"') {
            field += text[i];
          } else if (i + 1 < text.size() && text[i + 1] == '"') {
            field += text[i++];
          } else {
            break;
          }
        }
        Require(i < text.size(), "a quote of csv stays open");
        ++i;
      } else {
        for (; i < text.size() && text[i] != ',' && text[i] != '\n'; ++i) field += text[i];
      }
      record.push_back(field);
      Require(i < text.size() && (text[i] == ',' || text[i] == '\n'), "csv");
      if (text[i++] == '\n') break;
    }
    records.push_back(record);
  }
  return records;
}

std::vector<std::string> ReadLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    Require(end != std::string_view::npos, "a last line without an end");
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<std::map<std::string, std::string>> ReadNdjson(std::string_view text) {
  std::vector<std::map<std::string, std::string>> objects;
  for (const std::string& line : ReadLines(text)) {
    const nlohmann::json json = nlohmann::json::parse(line);
    auto& object = objects.emplace_back();
    for (const auto& [name, value] : json.items()) {
      object[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return objects;
}

std::vector<uint64_t> ReadRoaring(std::string_view bytes, bool is_64_bit) {
  std::vector<uint64_t> members;
  if (is_64_bit) {
    roaring64_bitmap_t* bitmap =
        roaring64_bitmap_portable_deserialize_safe(bytes.data(), bytes.size());
    Require(bitmap != nullptr, "a 64-bit bitmap");
    members.resize(roaring64_bitmap_get_cardinality(bitmap));
    roaring64_bitmap_to_uint64_array(bitmap, members.data());
    roaring64_bitmap_free(bitmap);
    return members;
  }
  roaring_bitmap_t* bitmap = roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size());
  Require(bitmap != nullptr, "a 32-bit bitmap");
  std::vector<uint32_t> small(roaring_bitmap_get_cardinality(bitmap));
  roaring_bitmap_to_uint32_array(bitmap, small.data());
  roaring_bitmap_free(bitmap);
  return {small.begin(), small.end()};
}

std::string HashOf(std::string_view bytes, const char* name) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Require(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_get_digestbyname(name),
                     nullptr) == 1,
          "a digest");
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Require(file.is_open(), path.c_str());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace throng::engine
