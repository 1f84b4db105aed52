// Who may include whom: the graph of DESIGN section 3 as one table, checked on every #include.
//
//   std::vector<Finding> findings = CheckIncludes(MakeSourceFile("query/a.cc", text));
//   // query/a.cc:3: query/ must not include rocksdb/db.h
//
// A header that the table does not name may be included by nobody: a new dependency is a new row.
#ifndef THRONG_TESTS_STYLE_INCLUDE_RULES_H_
#define THRONG_TESTS_STYLE_INCLUDE_RULES_H_

#include <string>
#include <vector>

#include "tests/style/source_file.h"

namespace throng::style {

// One #include directive. A value; thread-compatible.
struct Include {
  std::string path;
  int line = 0;
  bool is_quoted = false;
};

// The #include directives of `file`, in order; those in comments are not taken. Thread-safe.
std::vector<Include> FindIncludes(const SourceFile& file);

// Findings for every include of a C++ file that the table does not allow. Thread-safe.
std::vector<Finding> CheckIncludes(const SourceFile& file);

}  // namespace throng::style

#endif  // THRONG_TESTS_STYLE_INCLUDE_RULES_H_
