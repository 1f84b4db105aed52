// Finds functions and types in C++ by their braces: good enough for clang-formatted code.
//
//   CppOutline outline = ScanCpp(MakeSourceFile("a.cc", "int F() {\n  return 1;\n}\n"));
//   outline.functions[0];  // F, lines 1 to 3
//
// Bodies of functions are not looked into, so a lambda or a local type counts with its function.
#ifndef THRONG_TESTS_STYLE_CPP_SCANNER_H_
#define THRONG_TESTS_STYLE_CPP_SCANNER_H_

#include <string>
#include <vector>

#include "tests/style/source_file.h"

namespace throng::style {

// A function with a body. A value; thread-compatible.
struct FunctionOutline {
  std::string name;
  int first_line = 0;  // 1-based, of the signature
  int last_line = 0;   // of the closing brace
};

// A class or struct with a body. A value; thread-compatible.
struct TypeOutline {
  std::string name;
  int line = 0;
  // Functions in public sections: no constructors, destructors, operators or friends. An overload
  // counts each time.
  int public_methods = 0;
};

struct CppOutline {
  std::vector<FunctionOutline> functions;
  std::vector<TypeOutline> types;
};

// Thread-safe. Unbalanced braces end the scan early; no input fails.
CppOutline ScanCpp(const SourceFile& file);

}  // namespace throng::style

#endif  // THRONG_TESTS_STYLE_CPP_SCANNER_H_
