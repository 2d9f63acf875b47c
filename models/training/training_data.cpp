#include "models/training/training_data.h"

#include <utility>

namespace heed::models {

TrainingData::TrainingData(TokenisedCorpus pairs, TokenisedCorpus validation_pairs)
    : train(std::make_shared<const PairsInMemory>(std::move(pairs))),
      validation(std::move(validation_pairs)) {}

TrainingData::TrainingData(std::shared_ptr<const PairText> pairs, TokenisedCorpus validation_pairs,
                           std::filesystem::path folder, std::string mark)
    : train(std::move(pairs)),
      validation(std::move(validation_pairs)),
      ids(std::move(folder)),
      text_mark(std::move(mark)) {}

}  // namespace heed::models
