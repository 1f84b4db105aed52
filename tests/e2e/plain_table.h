// Real tables read as plainly as can be, with nothing of Throng's: what tests expect of it is
// counted from these rows.
//
//   for (const std::vector<std::string>& row : PlainRows(path, ';')) ages.insert(row[0]);
//
// Only for files whose fields hold neither the delimiter nor quotes: bank-full and adult are such.
// Pure functions, thread-safe.
#ifndef THRONG_TESTS_E2E_PLAIN_TABLE_H_
#define THRONG_TESTS_E2E_PLAIN_TABLE_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/live_server_test.h"
#include "tests/e2e/test_files.h"

namespace throng::e2e {

// The fields of each row of a packed file, without the quotes around them and without the header:
// row i is the user with the row number i + 1.
inline std::vector<std::vector<std::string>> PlainRows(const std::string& path, char delimiter) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : LinesOf(ReadGzip(path))) {
    std::vector<std::string> row(1);
    for (const char c : line) {
      if (c == delimiter) {
        row.emplace_back();
      } else if (c != '"') {
        row.back().push_back(c);
      }
    }
    rows.push_back(std::move(row));
  }
  if (!rows.empty()) rows.erase(rows.begin());
  return rows;
}

// The schema of bank-full with the month of the last call.
inline std::string BankMonthsSchema() {
  return "delimiter = \";\"\nid = \"row-number\"\n" + Tag("age", "INTEGER") +
         Tag("job", "CATEGORY") + Tag("loan", "FLAG") + Tag("contact", "CATEGORY") +
         Tag("month", "CATEGORY") + Tag("y", "FLAG");
}

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_PLAIN_TABLE_H_
