// The keys of an imported configuration (JSON), read with errors that name the file and the key.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace heed::models {

/// An object of JSON.
class JsonKeys {
 public:
  /// @param text the file's content
  /// @param file its name, for messages
  /// @throws FormatError when it is no JSON object
  JsonKeys(const std::string& text, std::string file);
  /// @param key a key
  /// @return whether the key is there and not null
  bool has(const std::string& key) const;
  /// @param key a key that must be there
  /// @param least,most the range of its value
  /// @return its value
  /// @throws FormatError naming the key
  int64_t integer(const std::string& key, int64_t least, int64_t most) const;
  /// @param key a key
  /// @param otherwise the value without the key
  /// @return its value
  /// @throws FormatError naming the key
  bool flag(const std::string& key, bool otherwise) const;
  /// @param key a key
  /// @param otherwise the value without the key
  /// @return its value
  /// @throws FormatError naming the key
  double number(const std::string& key, double otherwise) const;
  /// @param key a key
  /// @param otherwise the value without the key
  /// @return its value
  /// @throws FormatError naming the key
  std::string text(const std::string& key, const std::string& otherwise) const;
  /// @return the whole object
  const nlohmann::json& json() const { return json_; }
  /// @return the file's name
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  nlohmann::json json_;
};

}  // namespace heed::models
