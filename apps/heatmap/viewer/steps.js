// Decoding step by step: the words that were most probable, with their probabilities, and the beam's tree. (Shown where a record has them.)

function renderSteps() { $("steps").hidden = true; }
function renderWithout() { $("without").hidden = true; }
function renderComputed() { $("computed").hidden = true; }
