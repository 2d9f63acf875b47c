// Parts of a model that several formats have: linear layers, attention, layer norms under heed's names, and
// positions that are stored.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "framework/core/tensor.h"
#include "models/import/reader.h"

namespace heed::models {

/// Matrix and bias of a linear layer, y = W x + b.
struct ForeignLinear {
  Tensor weight;  // [out, in]
  Tensor bias;    // [out]
};

/// Puts a linear layer under its name.
/// @param weights receives NAME.weight and NAME.bias
/// @param name heed's name of the layer
/// @param linear matrix and bias
void put_linear(std::map<std::string, Tensor>& weights, const std::string& name, const ForeignLinear& linear);
/// Puts several linear layers with one input under one name, as one with all their outputs.
/// @param weights receives NAME.weight and NAME.bias
/// @param name heed's name of the layer
/// @param parts in the order of the outputs
void put_joint(std::map<std::string, Tensor>& weights, const std::string& name,
               const std::vector<ForeignLinear>& parts);

/// Chooses the options that give a stored table of positions; without any, the positions become learned ones.
/// @param table [positions, D]
/// @param tolerance of each value
/// @param options changed
/// @return whether a rule gives the table; false: positions are learned
bool recognise_positions(const Tensor& table, double tolerance, TransformerOptions& options);

/// The content of a file, which must not be a pipe or a device.
/// @param path the file
/// @return its bytes
/// @throws IoError when it cannot be read
std::string read_foreign_file(const std::filesystem::path& path);

/// @param text a text such as a key of a configuration
/// @return it, if it is a language code of two or three lower-case letters, else nothing
std::string language_code_or_nothing(const std::string& text);

}  // namespace heed::models
