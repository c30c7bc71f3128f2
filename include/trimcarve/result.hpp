// How the library says that something did not work.
//
// Decoding bad bytes is normal, so decoders return Result and never throw. Exceptions (RunError) are only for what ends the run: an input
// that cannot be opened, an output that cannot be written, a wrong use. They carry the exit code that the command line documents.
#pragma once

#include <expected>
#include <stdexcept>
#include <string>
#include <utility>

namespace trimcarve {

// What was wrong with the bytes or the request, for people; `what` is one line without a full stop.
struct Error {
  std::string what;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string what) { return std::unexpected<Error>(Error{std::move(what)}); }

enum class ExitCode : int { done = 0, incomplete = 1, usage = 2, input = 3, output = 4, interrupted = 130 };

// Ends the run. Printed as `trimcarve: <file>: <what>: <why>`.
class RunError : public std::runtime_error {
 public:
  RunError(ExitCode code, const std::string& file, const std::string& what, const std::string& why)
      : std::runtime_error(file + ": " + what + ": " + why), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

}  // namespace trimcarve
