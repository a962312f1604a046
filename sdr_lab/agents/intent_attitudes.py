"""Wordings of attitudes and courtesies: objections, interest, wait, hello, thanks."""

from __future__ import annotations

from sdr_lab.agents.intent_rules import Rule

ATTITUDES: tuple[Rule, ...] = (
    Rule(
        "HOLD",
        69,
        (
            r"(?:can|could|would|will) you (?:please |just )?(?:hold|wait|hang on|give me (?:a|one|"
            r"two)|stop|pause|be quiet)(?! (?:calling|the price|my))",
            r"(?:can|could|may) (?:i|we) (?:have|get|put you on|take) (?:a |one |"
            r"you on )?(?:second|minute|moment|sec|hold)",
        ),
    ),
    Rule(
        "OBJECTION",
        66,
        (
            r"<relative> (?:will|would|does|do|is|are|can) (?:never|not|hate|kill|say no|resist)",
            r"(?:have|has|got) (?:someone|somebody|a \w+|people|staff|an \w+)(?: \w+){0,4} (?:who|"
            r"that) (?:does|do|handles|takes|already|manages|can)",
            r"(?:doing|done|do) (?:it|things|this) (?:my|our|this|that|the (?:same|"
            r"old)) (?:own )?way",
            r"(?:barely|hardly|scarcely) (?:have|has|enough|any|make|get|afford|time)",
            r"(?:double|triple|twice|three times) (?:that|what|the|as)",
            r"(?:need|want|like) (?:to see )?(?:some )?(?:proof|references?|guarantees?|evidence)",
            r"(?:bad|terrible|mixed|awful|negative) (?:reviews?|things|reputation)",
            r"(?:a )?(?:bit|little|tad) (?:much|steep|high|expensive|pricey|rich|rich for|"
            r"over the top)",
            r"too (?:rich|fancy|big|advanced|good|long|late|soon|many|new|slow|modern|technical)",
            r"(?:cost|price|fee|money)s? (?:is|are|would be|seems?) (?:a |the |an )?(?:problem|"
            r"issue|concern|high|too)",
            r"(?:can not|could not|do not|not) (?:really )?(?:want to )?(?:spend|pay|invest|commit|"
            r"switch|change)",
            r"(?:learning|teaching|training) (?:curve|everyone|my|the|a new|new)",
            r"(?:what|who|how) (?:if|knows|about) (?:it|you) (?:does not|do not|goes|go|breaks|"
            r"will not)",
            r"(?:we|i) (?:do not|never) (?:really )?(?:have|get|see) (?:that|this|those|many|"
            r"enough|any) (?:\w+ )?(?:problem|problems|issue|issues|jobs|work|calls|missed)",
            r"(?:not|no) (?:the )?(?:right )?(?:budget|money|funds|room in)",
            r"on paper",
            r"more (?:money )?than (?:i|we)",
            r"(?:have|got) (?:a |an |some |our )?(?:guy|person|someone|somebody|lady|girl|woman|"
            r"office manager|dispatcher|secretary)(?: \w+)? (?:who|that|for|to|doing)",
            r"do not (?:like to )?(?:give|share|hand)(?: out)? (?:my|our|any|out)",
            r"(?:would|will) never (?:\w+ )?(?:learn|use|go for|accept|work|get used)",
            r"(?:do not|not|no) (?:\w+ ){0,2}(?:cash|funds)",
            r"(?:partner|wife|boss|husband|owner|dad|father|accountant|board) (?:makes|decides|"
            r"would have to|needs to|has to|handles|will (?:want|have)|would (?:want|kill|say))",
            r"(?:they all|everyone|everybody|every (?:\w+ )?(?:\w+ )?(?:company|vendor|salesman|"
            r"salesperson|one)|you all) (?:say|says|claim|claims|promise|promises)",
            r"overkill|disaster|nightmare|a mess|fiasco",
            r"half (?:of )?(?:that|the|as much|your)(?: price)?",
            r"(?:charges?|costs?|is|are|for) (?:a lot |much |way )?less",
            r"think (?:it|this|that|things) (?:through|over)",
            r"too much on (?:my|our) plate",
            r"(?:do not|does not|would not|not) (?:really )?make (?:any )?sense (?:for|to)",
            r"(?:we are|i am) (?:too|pretty|very) (?:small|old|busy for)",
            r"(?:one|two|three|2|3) (?:man|person|truck) (?:shop|show|operation|band|company|"
            r"business)",
            r"(?:never|not) (?:needed|used|had) (?:one|it|that|software|anything)",
            r"(?:just|simply) (?:another|one more) ",
            r"(?:hate|hates|resist|dread|do not like|will not like|not like) (?:change|changes|"
            r"apps?|computers?|technology|new)",
            r"(?:can not|could not|not able to) (?:make (?:that|the|this|any|"
            r"a) (?:\w+ )?(?:decision|call)|decide|commit)",
            r"another (?:subscription|bill|monthly|app|program|software|expense)",
            r"(?:did not|does not|never) (?:work out|go well|work for|really work|help)",
            r"(?:that|this|it|which) is (?:\w+ )?a lot(?: for| of money| more)?$",
            r"(?:not|never) (?:going to|gonna) (?:pay|work) (?:that|for)",
            r"(?:sounds|seems|looks) (?:too |like )?(?:risky|shady|fishy|suspicious|a scam|"
            r"a hassle|too good|like too much)",
            r"i have (?:my )?(?:doubts|concerns|reservations)",
            r"what is wrong with (?:my|our|paper|a)",
            r"(?:tight|short) on (?:money|cash|time|budget)",
            r"(?:a |whole |an awful )?(?:lot|ton|load|bunch) of (?:work|trouble|effort|hassle|"
            r"money|paperwork|training)",
            r"(?:way )?(?:over|above|beyond|more than) what (?:we|i) (?:can|could|want|are|have|"
            r"pay|planned|would)",
            r"heard (?:that|it|this|all that|it all) (?:one )?before",
            r"(?:just|only|recently) (?:switched|bought|signed|got|started|changed|paid|renewed)",
            r"(?:we|i) (?:\w+ )?(?:manage|get by|get along|do) (?:just )?(?:fine|okay|ok|well|"
            r"alright)",
            r"if it is not broke\w*",
            r"(?:doing|getting along|getting by) (?:just )?(?:fine|okay|ok|well|alright)",
            r"(?:what is|where is) the catch",
            r"(?:not|never) (?:been )?(?:a |very |big )?(?:fan|good at|tech savvy|computer)",
            r"(?:too )?(?:old|set in (?:my|our)) (?:fashioned|school|ways|for this)",
            r"(?:economy|business) is (?:slow|bad|down|tough)",
            r"(?:slow|bad|tough) (?:year|season|month)",
            r"(?:we|i) (?:have been|were|was) (?:burned|let down|disappointed|ripped off|screwed)",
            r"(?:need|want) (?:some )?(?:more )?time to (?:think|decide)",
            r"(?:not|nothing) (?:my|our) (?:priority|focus)|not a priority",
            r"(?:free|cheaper) (?:alternatives?|options?|tools?|apps?)",
            r"for free (?:with|from|elsewhere|somewhere)",
            r"expensive",
            r"pric(?:e)?y",
            r"costly",
            r"overpriced",
            r"steep",
            r"(?:too|(?<!thank you )(?<!thanks )so|that) (?:much|high)(?: money| for|$)",
            r"(?:lot|ton) of money",
            r"(?:costs?|price is|charge) (?:way |a bit |far |a little )?(?:too|a lot)",
            r"a lot (?:of money|for|to pay|more than)",
            r"more than (?:we|i) (?:want|can|planned|pay|expected|wanted|budgeted|were)",
            r"(?:can not|could not|do not think we can) (?:really |possibly )?(?:afford|"
            r"justify|spend)",
            r"(?:out of|over|beyond|not in|outside|tight) (?:of )?(?:our |my |"
            r"the )?(?:price range|budget)",
            r"(?:no|tight|limited|small|not have (?:the|a|any)) (?:\w+ )?(?:budget|money)",
            r"budget (?:is|for|this)",
            r"cheaper",
            r"money is tight",
            r"rip ?off",
            r"already (?:have|has|use|using|got|work\w*|pay\w*|do|doing|own|bought|set|signed|"
            r"went|with|tried|spend)",
            r"(?:we|i) (?:are|am) (?:<so>)?(?:happy|satisfied|comfortable|fine|content|"
            r"good) with",
            r"(?:happy|satisfied) with",
            r"locked (?:in|into)",
            r"under (?:a )?contract",
            r"contract with",
            r"(?:works|working|does|doing) (?:just |perfectly |pretty |well )*(?:fine|okay|"
            r"ok|well|great|for us|enough|the job|good enough)",
            r"(?:spreadsheets?|paper|whiteboard|pen and paper|excel|system|way|"
            r"calendar) (?:we have |we use )?(?:works?|is fine|are fine|does|do the|is good)",
            r"(?:too|so|very|really|sounds|seems|looks|pretty) (?:complicated|complex|hard|"
            r"difficult|much (?:work|trouble|hassle|effort)|good to be true|risky)",
            r"(?:hassle|headache|pain to|learning curve)",
            r"no time (?:for|to)",
            r"(?:do not|not) have (?:the |any |enough |that kind of )?(?:time|money|budget|"
            r"staff|bandwidth|authority|people) ?(?:for|to)?",
            r"(?:have to|need to|got to|gotta|must|should|will|want to|would have to|let me|"
            r"going to) (?:first )?(?:ask|talk|check|run|speak|discuss|clear|consult|go over|"
            r"pass|bring|get approval|see what)(?: \w+){0,3} (?:my|our|the|"
            r"from) (?:\w+ )?<relative>",
            r"(?:think|mull|talk) (?:about|on|over) (?:it|this|that)",
            r"think (?:it|this|that) over",
            r"sleep on (?:it|this)",
            r"(?:up to|decision (?:of|for|is|belongs)) (?:my|our|the|not)",
            r"not my (?:decision|call)",
            r"(?:skeptical|sceptical|hesitant|reluctant|doubt\w*|worried|worry|nervous|"
            r"concern\w*|suspicious|afraid (?:it|that|of|my|the|we))",
            r"not (?:so |really |very |quite |totally |too |entirely )?(?:convinced|"
            r"sure (?:about|it|this|that|if|we|i)|certain|worth|comfortable|ready|big enough|"
            r"tech\w*|good with (?:computers|tech\w*))",
            r"(?:do not|does not|can not|hard to) (?:really |fully |quite )?(?:trust|"
            r"believe|think (?:it|this|we|that|my|i|you)|like|see (?:the|how|why|any|a)|"
            r"buy (?:it|that)|feel)",
            r"(?:scam|sounds fishy|catch|gimmick|sales pitch|hidden fees?)",
            r"(?:been )?burned (?:before|by)",
            r"(?:bad|terrible|awful) experiences?",
            r"(?:tried|used) (?:\w+ ){0,4}(?:before|and (?:it|we|they|hated)|last year)",
            r"too small",
            r"only (?:have )?(?:a few|two|three|2|3|a couple|one|a handful)",
            r"never heard of (?:you|your|this|the company|maplewood)",
            r"(?:would|prefer|rather) (?:stick|stay|keep)",
            r"stick(?:ing)? with",
            r"prefer (?:paper|to|our|the|doing|pen)",
            r"by hand",
            r"(?:change|switch\w*|chang\w+) (?:is|would|everything|systems?|software|takes?|"
            r"over)",
            r"(?:guys|technicians|crew|people|team|employees) (?:will|would|are|do|hate|"
            r"won) ?(?:never|not|hate|use|too|like|resist)",
            r"waste of (?:time|money)",
            r"do not need (?:all|that much|so many)",
            r"(?:we|i) (?:just |currently |still |only )*(?:use|manage|run|"
            r"do) (?:\w+ ){0,4}(?:spreadsheets?|paper|excel|whiteboard|notebook|"
            r"google calendar|servicetitan|jobber|a competitor|another|something else|"
            r"someone else)",
            r"competitors? (?:is|are|has|charges|offers?|does)",
            r"(?:have|got|with) (?:a |an |another )?(?:system|provider|vendor|solution|tool|"
            r"software|someone|competitor|company) (?:for|that|in place|already|doing)",
            r"in place already",
            r"another (?:system|provider|vendor|company|solution|tool|software)",
        ),
    ),
    Rule(
        "INTERESTED",
        57,
        (
            r"(?:not|would not be) (?:against|opposed to|averse to)",
            r"(?:definitely|certainly|absolutely|really|probably|totally) (?:want|need|use|like|"
            r"love|try|go for|take)",
            r"(?:got|has|have|have got) me (?:\w+ )?(?:interested|curious|intrigued|hooked|"
            r"listening)",
            r"can(?: not|not|t) wait (?:to|for|until)",
            r"(?:good|great|nice|neat|cool|smart|clever|fantastic) (?:idea|product|system|tool|"
            r"feature|offer|deal|price|stuff)",
            r"(?:i|we) (?:would|will|might) (?:definitely |probably |really |certainly )?(?:use|"
            r"take|buy|try|want|benefit|consider|recommend)",
            r"(?:worth|deserves) (?:looking|a look|checking|exploring|considering|a conversation)",
            r"(?:makes|would make|make) (?:my|our) (?:life|lives|day|job) (?:\w+ )?easier",
            r"(?:impressed|impressive)",
            r"(?:have been|been|was|were) (?:wanting|hoping|trying|meaning|looking|dying) to",
            r"(?:could|might|would|may|can) (?:definitely |really |actually |"
            r"probably )?work (?:well )?(?:for us|for me|out)",
            r"give (?:it|this|that) a (?:go|try|shot|whirl|chance)",
            r"(?:my|the) (?:team|guys|crew|wife|office|boss|people) would (?:love|like|appreciate|"
            r"enjoy)",
            r"(?:i|we) (?:do )?(?:want|need) (?:that|this|it|one|in)$",
            r"(?:like|love) the (?:sound|idea|look|thought) of",
            r"(?:have been |been |was |were )?(?:thinking (?:about|of)|meaning to|hoping to|"
            r"planning to) (?:get|getting|find|finding|buy|buying|switch|switching|try|trying|look|"
            r"looking)(?:ing)?",
            r"(?:we|i) (?:really |could |do )?(?:need|want|use) (?:something|a tool|an app|"
            r"software|a system|help)(?: (?:to|that|like|for|with))?",
            r"(?:be|am|are) open to",
            r"^(?:oh |wow )?(?:very|really|how|that is) interesting$",
            r"(?:big|huge) (?:help|time saver|improvement)",
            r"(?:right|just) up (?:my|our) alley",
            r"(?:have |you )?(?:convinced|sold|won) (?:me|us)(?: over)?",
            r"(?:sounds|looks|seems) (?:like )?(?:a |it could |it would |"
            r"it might )?(?:\w+ )?(?:help|fit|good idea|work for|what)",
            r"(?:i am|we are) (?:\w+ )?(?:keen|tempted|excited|impressed|curious|listening|"
            r"all ears)",
            r"(?:how|where) (?:do|can) (?:i|we) (?:sign up|get started|buy|order|start|sign)",
            r"(?:what is|what are) the next steps?",
            r"(?:let us|ready to) (?:talk|move|go|get|proceed|start)",
            r"(?:you|it) (?:have|has) (?:got )?(?:my|our) (?:attention|interest)",
            r"(?:could|would|might) (?:really )?(?:save|help|make) (?:us|me|our|my)",
            r"(?:i|we) (?:might|would|could|may) (?:be (?:up|open|down) for|go for|consider)",
            r"(?:tell|give) me more",
            r"(?:i am|we are) (?:up|game|down|in) (?:for|on) (?:it|this|that)",
            r"(?:sounds?|looks?|seems?) (?:really |very |pretty |quite |like |it is |so |"
            r"just |kind of |rather |actually |super |that is |pretty much )*(?:good|great|"
            r"interesting|nice|perfect|awesome|amazing|useful|promising|helpful|excellent|"
            r"fantastic|wonderful|cool|handy|reasonable|fair|intriguing|exactly|something|"
            r"what|a (?:good|great|nice|fair)|fine|brilliant|exciting|impressive|worth)",
            r"(?:i am|we are|i might|would|could|might|may|definitely|very|really|pretty|"
            r"quite|kind of|yes|sort of|be|somewhat|am|are|extremely|"
            r"absolutely) (?:be )?(?:\w+ )?interested",
            r"interested in",
            r"(?:i|we) (?:really |do |definitely |kind of |actually |quite )*(?:like|"
            r"love) (?:that|it|the|this|what|how|your)",
            r"love (?:that|it|this|to)",
            r"(?:want|would like|like|love|ready|happy|willing|going|excited|keen|eager|open|"
            r"prepared|curious) to (?:\w+ )?(?:try|give|see|learn|hear|start|sign|get started|"
            r"go ahead|buy|use|move forward|know more|go for|explore|proceed|find out more|"
            r"test|order|look|subscribe|trying|hearing|learning|do it)",
            r"sign (?:me|us) up",
            r"let us (?:do it|go for|go ahead|get started|start|try|move|give)",
            r"count (?:me|us) in",
            r"(?:i am|we are) (?:all )?(?:in$|sold|on board|intrigued|curious|open to)\b",
            r"(?:that|it|this) (?:would|could|might|will) (?:really |definitely |actually |"
            r"be )*(?:great|helpful|help|work|nice|useful|perfect|awesome|amazing|save|solve|"
            r"good|wonderful|fantastic|a big)",
            r"(?:that|this|it) is (?:really |very |just |pretty |so |actually |"
            r"kind of )*(?:great|interesting|exactly|what (?:we|i) (?:need\w*|want\w*|have been|"
            r"was|were|am|are)|awesome|amazing|perfect|"
            r"impressive|cool|fantastic|wonderful|useful|helpful|the kind|just what|tempting|"
            r"excellent|not bad)",
            r"(?:we|i) (?:could|can|really|definitely|have been|are|am) (?:really )?(?:use|"
            r"need|needing|looking (?:for|at|into)) (?:that|this|something|a|an|help|one|new|"
            r"exactly|better|some|software)",
            r"(?:exactly|just) what (?:we|i)",
            r"keep (?:going|talking)",
            r"go on$",
            r"tell (?:me|us) more$",
            r"(?:i|we) (?:want|would like|will take|will go with|could go for) (?:it|one|that|"
            r"the|in|to hear more|more)",
            r"not (?:saying|said) no",
            r"did not say no",
            r"(?:it is )?not that i am not interested",
            r"(?:got|have|caught) (?:my|our) (?:attention|interest)",
            r"i am listening",
            r"(?:worth|good) (?:a (?:try|shot|look)|trying|looking)",
            r"give (?:it|this|that) a (?:try|shot|go|chance|whirl)",
            r"where do (?:i|we) sign",
            r"sign up",
            r"(?:more|further) (?:info|information|details)(?: please)?$",
            r"not bad",
            r"i might try",
            r"i am keen",
        ),
    ),
    Rule(
        "HOLD",
        50,
        (
            r"^(?:\w+ )?(?:hold on|hang on)(?: hold on| hang on)*",
            r"(?:hold|hang) (?:on|up|tight)",
            r"hold (?:on|up|it|the line|please|that thought)",
            r"hang on",
            r"wait(?:ing)?",
            r"stop",
            r"(?:just |give me |gimme |need |for |got )?(?:a|one|1|two|half a|"
            r"couple) (?:quick |more )?(?:second|sec|secs|minute|moment|min|mo|seconds|"
            r"minutes|tick)s?(?: please| here)?",
            r"just a (?:second|sec|minute|moment)",
            r"bear with me",
            r"be (?:right|quiet)(?: back)?",
            r"shut up",
            r"pause",
            r"let me (?:just |quickly )?(?:grab|get|find|check|write|think|see|look|pull|"
            r"put you on hold|close|turn|step|finish|open|note|jot|speak|talk|interrupt|"
            r"stop you)",
            r"not so fast",
            r"let me finish",
            r"i was (?:still )?(?:talking|speaking)",
            r"(?:someone|somebody) (?:is )?at the door",
            r"do not (?:hang up|go)",
            r"quiet",
            r"one at a time",
            r"easy",
            r"whoa",
            r"(?<!fair )(?<!good )(?:that is )?enough(?: now| already)?$",
            r"hush",
            r"time out",
        ),
    ),
    Rule(
        "HELLO",
        68,
        (
            r"^(?:hi|hello|hey) is this \w+$",
            r"(?:can|does|did) (?:anybody|anyone|somebody|someone|you all) (?:hear|there|"
            r"listening)",
            r"^(?:\w+ )?(?:hi|hello|hey) is (?:this|that) \w+(?: \w+)?$",
            r"how are you",
            r"how is it going",
            r"how do you do",
            r"how are things",
            r"how have you been",
            r"how you doing",
            r"what is up",
            r"(?:anyone|anybody|someone) there$",
            r"are you (?:still )?there",
            r"(?:can|do) you hear me",
            r"is anyone (?:there|here)",
            r"is (?:someone|somebody|anybody) there",
            r"you there",
            r"nice to (?:meet|talk)",
            r"testing",
            r"is this thing on",
        ),
    ),
    Rule(
        "HELLO",
        41,
        (r"^(?:\w+ )?good (?:morning|afternoon|evening)(?: \w+){0,2}$",),
    ),
    Rule(
        "THANKS",
        58,
        (
            r"^(?:\w+ ){0,4}(?:thanks|thank you)(?: (?:so|very|much|a|lot|joe|again|bunch|"
            r"really))*$",
            r"been (?:very |so |really |a )?(?:helpful|great|kind|a great help|a big help|nice)",
            r"^(?:\w+ )?(?:thanks|thank you)(?: \w+){0,3} (?:helpful|helps|great|good|kind|useful|"
            r"explaining|nice|sweet)",
        ),
    ),
    Rule(
        "THANKS",
        41,
        (
            r"^(?:(?:ok|okay|great|perfect|good|oh|alright|cool|awesome|well|right|wonderful|"
            r"excellent|"
            r"fine|ah|and|very|super|nice) )*(?:many )?(?:thanks|thank you|much appreciated|"
            r"appreciate it|cheers)(?: (?:so|very|much|a|lot|ton|bunch|joe|again|for|the|your|all|"
            r"help|that|i|appreciate|it|you|really|information|info|everything|thanks|thank|sir|"
            r"time|letting|me|know|patience|good|okay|great))*$",
        ),
    ),
    Rule(
        "OTHER",
        26,
        (
            r"^(?:\w+ )?(?:we|i|there) (?:are|am|have|run|got|have got|do|employ|own) (?:about |"
            r"around |"
            r"roughly |maybe |like |just |a |an |the |some )*(?:<clock>|\d+|twenty|thirty|forty|"
            r"fifty|"
            r"dozen|couple|few|plumb\w*|electric\w*|hvac|heating|cooling|contractors?|based|"
            r"located|"
            r"from|residential|commercial|mostly|family|owner|dispatcher|manager)(?: [\w@]+){0,6}$",
        ),
    ),
    Rule(
        "HELLO",
        22,
        (
            r"^(?:\w+ )?(?:hi|hello|hey|hiya|howdy|yo|greetings|good (?:morning|afternoon|evening|"
            r"day))",
            r"^(?:this is|you are speaking (?:to|with)) (?!not\b|a\b|the\b|too\b|\w+(?:ous|ing|"
            r"ful|ble|ive|zy)\b|good\b|great\b|bad\b|nice\b|fine\b|his\b|her\b|my\b|our\b|new\b|"
            r"he\b|she\b|"
            r"so\b|very\b|just\b|about\b|what\b|how\b)\w+(?: \w+){0,4}$",
            r"^\w+(?: \w+)? (?:speaking|here)$",
            r"^\w+ (?:plumbing|electric\w*|heating|hvac|services?) (?:this is|\w+ speaking|how can|"
            r"can i)",
        ),
    ),
)
