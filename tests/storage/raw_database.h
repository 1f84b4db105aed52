// The bytes below a store, for tests that damage or dump them: RocksDB without our code.
//
//   RawEntries entries = ReadRaw(directory);
//   entries["log"].erase(entries["log"].begin());
//   WriteRaw(directory, entries);            // makes the directory hold exactly these
#ifndef THRONG_TESTS_STORAGE_RAW_DATABASE_H_
#define THRONG_TESTS_STORAGE_RAW_DATABASE_H_

#include <map>
#include <string>

namespace throng::storage {

// Column family -> key -> value.
using RawEntries = std::map<std::string, std::map<std::string, std::string>>;

// The store must be closed. A failure fails the test.
RawEntries ReadRaw(const std::string& directory);
// Makes the database if there is none.
void WriteRaw(const std::string& directory, const RawEntries& entries);

}  // namespace throng::storage

#endif  // THRONG_TESTS_STORAGE_RAW_DATABASE_H_
