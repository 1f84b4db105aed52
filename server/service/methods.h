// The calls of the API, by name.
//
//   FindMethod("SelectionService/Count")->input_type();   // CountRequest
//
// Thread-safe.
#ifndef THRONG_SERVER_SERVICE_METHODS_H_
#define THRONG_SERVER_SERVICE_METHODS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"

namespace throng::service {

// Null: there is none.
const google::protobuf::MethodDescriptor* FindMethod(std::string_view name);

// Every method of the API, "SelectionService/Count". THRONG_PROTOS lists its files, so that a new
// service is seen wherever it is registered. Files that are not linked in are added to `findings`.
std::map<std::string, const google::protobuf::MethodDescriptor*, std::less<>> AllMethods(
    std::vector<std::string>* findings);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_METHODS_H_
