// SHA-256 of what goes into a file.
//
//   FileDigest digest;
//   digest.Add(bytes);
//   digest.Hex();   // 64 digits in lower case
#ifndef THRONG_CLI_FILE_DIGEST_H_
#define THRONG_CLI_FILE_DIGEST_H_

#include <memory>
#include <string>
#include <string_view>

namespace throng::cli {

// Not thread-safe.
class FileDigest {
 public:
  FileDigest();
  ~FileDigest();
  FileDigest(const FileDigest&) = delete;
  FileDigest& operator=(const FileDigest&) = delete;

  void Add(std::string_view bytes);
  // REQUIRES: called once, nothing after it.
  std::string Hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_FILE_DIGEST_H_
