"""What shows a question, a yes, a no or a courtesy, apart from any topic."""

from __future__ import annotations

OPENERS = (
    "and but so or yes yeah yep no ok okay sure right well hi hello hey sorry wait oh alright "
    "then also good great cool thanks please joe now just um uh quick one another a hm hmm mhm "
    "because first second minute stop actually perfect fine morning afternoon there still"
)
"""Words that may stand before a question without belonging to it."""

QUESTION_STARTS = (
    r"how",
    r"what(?! (?:a|an|if we|i (?:need|want|mean))\b)",
    r"which",
    r"who(?! knows)",
    r"whose",
    r"where",
    r"when(?! (?:i|we|you|he|she|they|it|my|our|the) )",
    r"why(?! not$)",
    r"do (?:you|i|we|they|the|your|my|our|these|those|all|any|technicians?|customers?|people)",
    r"(?:does|did|is|are|was|were|can|could|will|would|should|has|have|may|am) (?:you|it|i|"
    r"we|they|this|that|there|the|your|my|our|he|she|anyone|somebody|someone|joe|data|customers?|"
    r"technicians?|each|any|all|these|those|every|support|everything|people)",
    r"(?:do|does|is|are|can|could|would|will) not (?:you|i|we|they|it|there|that|this)",
    r"(?:does|did|is|are|was|were|can|could|will|would|should|has) "
    r"(?!do\b|not\b|be\b|work\b|fine\b|good\b|right\b)\w+ \w+",
    r"(?:any|got any|you got any|you have any)(?:thing)? (?:\w+ )*(?:discounts?|fees?|contracts?|"
    r"way|chance|limits?|deals?|cheaper|smaller|bigger|special\w*)",
    r"(?:what )?if (?:i|we|you|my|our|it|the|one|they|there)",
    r"(?:the )?(?:price|prices|pricing|costs?)(?: please|(?: for| of| on) .*)?$",
)
"""A clause that begins so is a question."""

QUESTION_WORDINGS = (
    r"(?:tell|show|teach|remind) (?:me|us)(?: (?:a (?:bit|little)|more|something|again))* "
    r"(?:about|how|what|why|if|whether|when|where|which|who|the)",
    r"(?:give|send|get|tell) (?:me|us) (?:\w+ ){0,4}(?:prices?|quote|pricing|details|idea|"
    r"info\w*|rundown|overview|example|sense|breakdown|summary|cost|numbers|ballpark)",
    r"(?:want|like|love|need|curious|trying|dying) (?:\w+ ){0,3}(?:information|info|details) "
    r"(?:about|on|regarding)",
    r"(?:want|like|love|need|curious|trying|dying) to (?:know|find out|understand|ask)(?! more$)",
    r"(?:wanted|want|like|let me|have to|need) (?:to )?ask(?: you)? (?:about|something|a)",
    r"(?:can|could|may) i ask",
    r"wonder(?:ing)?",
    r"i was curious",
    r"curious (?:about|how|what|if|whether)",
    r"(?:a|one|another|quick|have|got|few|some|couple of|my) (?:\w+ )?questions?",
    r"explain",
    r"describe",
    r"(?:walk|talk) (?:me|us) through",
    r"can you (?:tell|explain|clarify|elaborate|describe)",
    r"(?:do not|not) (?:know|sure|understand|get) (?:how|what|why|which) (?:it|this|that|you|your|"
    r"the)",
    r"how much (?:is|does|would|do|are|for|will)",
    r"how (?:many|long)",
    r"how do(?:es)?",
    r"what about",
    r"how about (?:the |your )?(?:price|pricing|cost|support|data|security|android|iphone)",
    r"what (?:is the|are (?:the|your))",
    r"do you (?:have|guys|offer|integrate|work|support|do|charge|sell|ever)",
    r"does (?:it|this|that)",
)
"""A clause that holds one of these is a question."""

RHETORICAL = (
    r"why (?:should|would) (?:i|we)",
    r"why (?:is it|are you|so) so",
    r"who (?:cares|has)",
    r"what is (?:the point|in it)",
    r"how do i know (?:this|you|it)",
)
"""Questions that are rather objections: they weigh no more than one."""

DENY_ONLY = (
    r"no|nope|nah|negative|wrong|none|neither|never ?mind",
    r"not (?:really|exactly|quite|yet|at all|necessarily|that i know(?: of)?|particularly|as such|"
    r"true|correct|right|that one|him|her|me|us|ours|mine|quite)",
    r"(?:i|we|it|he|she|they) (?:do|did|am|is|does|would|could|have|has|are|was) not"
    r"(?: think so| believe so| know)?",
    r"that is (?:not (?:right|correct|true|it|what i (?:said|meant|asked|want\w*))|wrong|"
    r"incorrect|a no)",
    r"(?:i am )?afraid not",
    r"no (?:thanks?|thank you|sir|way|need to)",
    r"(?:absolutely|of course|certainly|definitely|i would say|i think|probably|please) not",
    r"(?:please )?do not(?: do (?:that|it|so))?",
    r"i do not think so",
    r"i said no",
    r"i (?:meant|said) \w+",
    r"cancel that",
    r"(?:i would )?rather (?:you did )?not",
    r"(?:the )?other one",
    r"not at this (?:point|time)",
    r"nuh uh|uh uh",
    r"(?:it|that) (?:will|would|does) not work(?: for (?:me|us))?",
    r"(?:i|we) can not(?: do that)?",
    r"(?:i|we) do not want (?:that|this)(?: one)?",
    r"no it is (?:fine|okay|ok|alright)",
    r"(?:i would )?prefer not(?: to)?",
    r"nothing like that|no such thing",
)
"""A turn made of these and of `DENY_TAILS` says no."""

DENY_TAILS = (
    r"no|nah|thanks?|thank you|sorry|please|joe|sir|really|though|right now|we do not|i do not|it "
    r"is not|i am not|not really|at all|i am afraid|uh|um|oh|well|that is (?:okay|ok|fine)|at the "
    r"moment|just|but",
)

CONFIRM_ONLY = (
    r"yes|yeah|yep|yup|sure(?: thing)?|absolutely|definitely|certainly|correct|exactly|precisely|"
    r"indeed|affirmative|true|perfect|speaking|deal|confirm(?:ed)?|right on|totally",
    r"of course(?: you can)?",
    r"that is (?:right|correct|true|fine|me|us|okay|ok|it exactly|good with me|a yes|the one)",
    r"(?:please )?(?:do|do it|do that|do so|book it)",
    r"(?:please )?go (?:right )?ahead(?: and (?:\w+ ){1,2}(?:it|that|me|one))?",
    r"go (?:for it|on and)",
    r"please(?: do)?",
    r"(?:that |it |this )?(?:works?|would work|will work|will do|is fine)(?: (?:for|with|by) "
    r"(?:me|us))?",
    r"(?:fine|good|okay|ok|alright) (?:by|with|for) (?:me|us)",
    r"i (?:do|am|would|have|guess(?: so)?|think so|suppose(?: so)?|believe so|agree|sure do|did|"
    r"can|could|confirm)",
    r"we (?:do|are|would|have|can|sure do|did|could)",
    r"it (?:does|is|did|was)",
    r"you (?:bet|got it|are right|can|may)",
    r"by all means",
    r"(?:sure )?why not",
    r"sounds (?:right|about right|correct|like a plan|good|great|fine|perfect)(?: to me| for me)?",
    r"(?:i would )?say so",
    r"that is what i (?:said|meant)",
    r"that would be (?:fine|great|good|nice)",
    r"i would (?:like|love) (?:that|to)",
    r"let us (?:do (?:it|that)|go ahead)",
    r"that is (?:exactly|absolutely|quite|totally) (?:right|correct|it)",
    r"no problem at all|not a problem|that is no problem",
    r"this is (?:he|she)",
    r"for sure",
    r"without a doubt",
    r"i will take (?:it|that)",
    r"might as well",
    r"i do not (?:mind|see why not)",
)
"""A turn made of these and of `CONFIRM_TAILS` says yes."""

CONFIRM_TAILS = (
    r"yes|yeah|please|thanks?|thank you|sure|joe|sir|ma am|madam|man|absolutely|of course|exactly|"
    r"then|great|so|for me|for us|ok|okay|good|do that|definitely|right|sounds good|very much|oh|"
    r"well|hm|mhm|uhuh|um|uh|alright|no|and|now|that|much|cool|sounds great|there|perfect",
)

ACKNOWLEDGE_ONLY = (
    r"i (?:see|understand|hear you|get it|got it|got you|know|follow|am with you|see what you "
    r"mean)",
    r"got (?:it|you|that|cha)|gotcha|understood|noted|right|ok|okay|all ?right|alright(?:y)?|"
    r"interesting|"
    r"really|hm+|mhm|uhuh|oh|ah|huh|wow|cool|nice|great|good|fine",
    r"(?:that )?(?:all )?makes sense",
    r"fair enough|fair point|good point|good to know|sounds fair|very (?:well|good)|carry on",
    r"no (?:problem|worries)",
    r"that is (?:fair|good to know|understood|interesting|alright|all right|cool|nice|a good "
    r"point|good)",
    r"is that so|you do not say|if you say so|of course|as i thought",
    r"it is (?:okay|ok|fine|alright)",
)
"""A turn made of these and of `ACKNOWLEDGE_TAILS` only shows that the caller listens."""

ACKNOWLEDGE_TAILS = (r"then|so|yes|yeah|joe|now|that|well|um|uh|and|okay then|there|too|just|much",)

VOCABULARY: dict[str, str] = {
    "CONFIRM": "yes yeah yep yup yea sure absolutely definitely certainly correct exactly please "
    "course affirmative indeed totally perfect positively bet",
    "DENY": "no nope nah negative wrong incorrect never not neither nothing",
    "THANKS": "thanks thank appreciate appreciated thankful grateful",
    "ACKNOWLEDGE": "ok okay mhm uhuh right see alright gotcha cool great nice oh ah hm hmm hmmm "
    "understood wow noted aha interesting good fine k neat really awesome huh wonderful excellent",
    "HELLO": "hi hello hey hiya howdy morning yo greetings",
}
"""Words of the courtesies, for turns made of nothing else."""

NEUTRAL = (
    "i it is that the a you so very much for your to do of and we me my this really just all "
    "then now well am are be sir madam man joe there go ahead will would think guess suppose "
    "lot time help with again ma am too by means let us got get many kind bunch evening "
    "afternoon day information info everything patience"
)
"""Words that decide nothing between the courtesies."""
