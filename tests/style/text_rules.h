// The rules of STYLE.md that a program can check on one file, each as a function.
//
//   for (const Finding& finding : CheckFile(file)) std::cerr << ToString(finding) << "\n";
//
// Every function here is pure, Thread-safe, and returns a finding for each place that breaks it.
#ifndef THRONG_TESTS_STYLE_TEXT_RULES_H_
#define THRONG_TESTS_STYLE_TEXT_RULES_H_

#include <vector>

#include "tests/style/source_file.h"

namespace throng::style {

inline constexpr int kFileLinesMax = 500;
inline constexpr int kHeaderLinesMax = 200;
inline constexpr int kFunctionLinesMax = 70;
inline constexpr int kColumnsMax = 100;
inline constexpr int kPublicMethodsMax = 15;

// Files of at most kFileLinesMax lines, headers of at most kHeaderLinesMax but for a short list.
std::vector<Finding> CheckFileLength(const SourceFile& file);

// Lines of at most kColumnsMax code points; includes and lines that are one long word may exceed.
std::vector<Finding> CheckLineWidth(const SourceFile& file);

// Functions of at most kFunctionLinesMax lines, signature and closing brace included.
std::vector<Finding> CheckFunctionLength(const SourceFile& file);

// Classes of at most kPublicMethodsMax public methods.
std::vector<Finding> CheckPublicMethods(const SourceFile& file);

// A header opens with a comment and has the guard THRONG_FOLDER_FILE_H_.
std::vector<Finding> CheckHeaderForm(const SourceFile& file);

// A header that declares a class says something of threads in a comment.
std::vector<Finding> CheckThreadSafetyStated(const SourceFile& file);

// No Manager, Helper, Util or Common in the name of a type or a file; files are snake_case.
std::vector<Finding> CheckNames(const SourceFile& file);

// No `default:` in query/: a new operator must not compile until it is handled everywhere.
std::vector<Finding> CheckNoDefault(const SourceFile& file);

// No marks of unfinished work.
std::vector<Finding> CheckNoUnfinishedMarks(const SourceFile& file);

// CMake speaks of targets only: nothing global.
std::vector<Finding> CheckCMakeTargets(const SourceFile& file);

// All of the above.
std::vector<Finding> CheckFile(const SourceFile& file);

}  // namespace throng::style

#endif  // THRONG_TESTS_STYLE_TEXT_RULES_H_
