// The error that a failing call of a libyal library allocates: collected, told, and freed.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace trimcarve::image {

// `Free` and `Print` are the library's lib<name>_error_free and lib<name>_error_backtrace_sprint.
template <auto Free, auto Print>
class LibyalError {
 public:
  LibyalError() = default;
  LibyalError(const LibyalError&) = delete;
  LibyalError& operator=(const LibyalError&) = delete;
  ~LibyalError() { Free(&error_); }

  std::intptr_t** out() noexcept {
    Free(&error_);
    return &error_;
  }
  // The innermost reason, the first line of the library's backtrace, on one line and without a full stop.
  std::string text() const {
    std::array<char, 4096> buffer{};
    if (error_ == nullptr || Print(error_, buffer.data(), buffer.size()) <= 0) return "no reason given";
    std::string all(buffer.data());
    all = all.substr(0, all.find('\n'));
    while (!all.empty() && (all.back() == '.' || all.back() == ' ' || all.back() == '\r')) all.pop_back();
    return all.empty() ? "no reason given" : all;
  }

 private:
  std::intptr_t* error_ = nullptr;
};

}  // namespace trimcarve::image
