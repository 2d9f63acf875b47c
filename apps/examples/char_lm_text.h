// What char_lm learns from: a keeper's log, written for this example. Plain words that come again, so that a
// few kilobytes teach something.
#pragma once

constexpr const char* kText =
    R"(Monday. The wind came from the west and the sea was grey. I lit the lamp at six and put it out at five. Three ships passed to the north,
and one small boat passed to the south. The old man in the boat waved to me, and I waved to him. In the evening I mended the net and wrote a
letter to my sister.

Tuesday. The wind came from the north and the sea was white. I lit the lamp at five and put it out at six. No ship passed to the north, and
no boat passed to the south. In the morning I painted the door. In the evening it rained, and the rain washed the paint from the door into
the sea.

Wednesday. The wind came from the east and the sea was green. I lit the lamp at six and put it out at five. Two ships passed to the north,
and the small boat passed to the south. The old man in the boat waved to me, and I waved to him. In the morning I painted the door again.
In the evening I read the letter that my sister wrote to me in the winter.

Thursday. There was no wind, and the sea was blue. I lit the lamp at seven and put it out at four. Five ships passed to the north, and the
small boat came to the rock. The old man in the boat gave me bread and a bag of tea, and I gave him the net that I mended on Monday. In the
evening we sat at the door and drank the tea, and he told me of the sea and of the ships that passed when he was young.

Friday. The wind came from the south and the sea was grey. I lit the lamp at six and put it out at five. One ship passed to the north, and
the small boat passed to the south. In the morning I cleaned the lamp. In the afternoon I cleaned the stairs, and in the evening I was tired
and sat at the door and looked at the sea.

Saturday. The wind came from the west and the sea was white. I lit the lamp at four and put it out at seven. No ship passed to the north,
and no boat passed to the south. The waves came to the door and washed the stairs. In the evening I wrote to my sister that the winter came
to the rock, that the door was green, and that I was well.

Sunday. The wind came from the west and the sea was grey. I lit the lamp at six and put it out at five. Two ships passed to the north, and
one of them sounded its horn. The small boat passed to the south with the letters. The old man in the boat waved to me, and I waved to him.
In the evening I sat at the lamp and read.

Monday. The wind came from the north and the sea was grey. I lit the lamp at five and put it out at six. Three ships passed to the north, and
the small boat came to the rock. The old man in the boat gave me a letter from my sister, and I gave him bread and tea. She wrote that the
winter was long, that the door of her house was green, and that she was well.

Tuesday. The wind came from the east and the sea was blue. I lit the lamp at six and put it out at five. Four ships passed to the north,
and no boat passed to the south. In the morning I mended the stairs. In the evening I read the letter again and sat at the door and looked at
the ships.
)";
