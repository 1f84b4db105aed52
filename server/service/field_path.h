// The path of a request field, for errors: kept as a chain on the stack and written out only when
// there is an error to report, so that a list of a million good values costs no text.
//
//   FieldPath root("selection.tree");
//   FieldPath values(root, "values");
//   values.At(3).ToString();  // "selection.tree.values[3]"
#ifndef THRONG_SERVER_SERVICE_FIELD_PATH_H_
#define THRONG_SERVER_SERVICE_FIELD_PATH_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/engine/error_field.h"

namespace throng::service {

// A view: of its parent and its name, which must outlive it. Thread-compatible.
class FieldPath {
 public:
  explicit FieldPath(std::string_view name) : name_(name) {}
  FieldPath(const FieldPath& parent, std::string_view name) : parent_(&parent), name_(name) {}

  // The element `index` of this repeated field; valid as long as this one's parent and name.
  FieldPath At(int index) const {
    FieldPath element = *this;
    element.index_ = index;
    return element;
  }

  std::string ToString() const;

 private:
  const FieldPath* parent_ = nullptr;
  std::string_view name_;
  int index_ = -1;
};

// kInvalidArgument (REQUIRED): a oneof or a message that has to be set is not.
absl::Status RequiredField(const FieldPath& field);

// kInvalidArgument (UNSPECIFIED): an enum is 0, or a number that this version does not know.
absl::Status UnspecifiedEnum(const FieldPath& field);

// An engine's error, which names its own argument, with the request's field instead: if `status` is
// about `from`, or about no field while `from` is empty, it is now about `to`.
using engine::MoveField;

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_FIELD_PATH_H_
