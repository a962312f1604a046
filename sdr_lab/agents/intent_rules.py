"""The wordings by which intents are known.

Written for normalised text (see `intent.normalise`): lower case, contractions written out
("don't" is "do not"), no apostrophes. Each rule has a weight; the highest wins. Weights order
the wishes: never to be called 100, a machine 95, … a courtesy 25.
"""

from __future__ import annotations

import re

_ME = r"(?:me|us|my|our|this|the|that|him|her|them)"
_DAY = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|tomorrow|today|tonight|next week|this week|"
    r"(?:january|february|march|april|june|july|august|september|october|november|december)"
)
_CLOCK = r"(?:\d{1,2}(?::\d\d)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_PERSON = (
    r"(?:person|human|human being|someone|somebody|anyone|representative|rep|agent|operator|"
    r"manager|supervisor|sales\w*|support|billing|accounting|accounts|specialist|engineer|"
    r"technician|department|people|team|else|customer service|tech support|boss|owner|"
    r"colleague|guy|advisor|consultant|assistant|service|expert|management|in charge)"
)
_RELATIVE = (
    r"(?:boss|partners?|wife|husband|spouse|manager|team|owner|accountant|business partner|"
    r"office|brother|father|dad|crew|guys|co owner|colleagues?|lawyer|bookkeeper|people|board|"
    r"supervisor|staff)"
)
_SO = r"(?:a |an |the |so |very |really |pretty |quite |just |kind of |kinda |a bit |a little |super |too |rather |awfully |way |extremely |right now |currently |actually |all |still )*"
_BUSY = (
    r"(?:busy|driving|swamped|tied up|slammed|occupied|in (?:a|another) (?:meeting|call)|"
    r"in the middle of|on the road|on (?:a|the|another) (?:job|roof|site|call|line|ladder)|"
    r"on (?:the|my) (?:other line|way|lunch)|about to (?:go|leave|walk|start|head|get)|"
    r"at (?:work|lunch|dinner|a job|the doctor)|with a (?:customer|client)|underwater|"
    r"heading (?:out|into)|having (?:lunch|dinner)|eating|stepping into)"
)

RULES: tuple[tuple[str, int, str], ...] = (
    # ---- never again
    (
        "DO_NOT_CALL",
        100,
        rf"\b(?:take|taken|taking|remove|removed|get|scratch|drop|delete|pull|cross|strike|erase|"
        rf"wipe) (?:{_ME} )?(?:name |number |phone number |contact |info\w* |details |off )*"
        rf"(?:off|from|out of|out)\b(?! the phone)(?= *(?:$|[.,!?;]|of\b|your|the|this|that|any|"
        rf"all|now|right|please|these|whatever|it|my))",
    ),
    (
        "DO_NOT_CALL",
        100,
        r"\b(?:do not|never|stop|quit|not to|cease) (?:you )?(?:ever |dare |keep |with the )?"
        r"(?:call|calling|calls|contact\w*|phon\w+|ring\w*|bother\w*|dial\w*|harass\w*|text\w*|"
        r"robocall\w*|cold call\w*|spam\w*)\b(?! \w+ (?:before|until|after|today|now|on|at|during|"
        r"in the|so early|so late)\b)",
    ),
    (
        "DO_NOT_CALL",
        100,
        r"\b(?:no more (?:of these |phone |sales )?calls|do not call (?:list|registry)|unsubscribe|"
        r"opt(?:ing|ed)? (?:me |us )?out|(?:lose|forget|delete|erase|remove|block)(?: \w+){0,2} "
        r"(?:my|this|our) (?:phone )?number|off (?:of )?(?:your|the|this|that|any) "
        r"(?:call |calling |phone |marketing )*(?:list|database|system)|"
        r"(?:lose|delete|remove) (?:my|this|our) (?:name|number|contact|info\w*|details)|"
        r"asked (?:you|you guys|you people) (?:not to|to stop)|told you (?:guys |people )?"
        r"(?:not to|to stop|to take)|sick of (?:you|these|your|all)|never want to hear from|"
        r"(?:do not|never) want (?:any |more |any more |further |you |you guys |you people |to )*"
        r"(?:calls|be called|be contacted|get called|hear from you|call|calling|contacted|"
        r"phone calls)|not (?:be )?called (?:again|any ?more)|illegal to call|leave (?:me|us) alone|"
        r"never call|stop (?:all )?(?:these|this|the|your) (?:\w+ )?(?:calls|calling))\b",
    ),
    # ---- a machine
    (
        "VOICEMAIL",
        95,
        r"\b(?:leave (?:me |us )?(?:a |your |the )?(?:\w+ )?(?:message|name|voicemail)|"
        r"(?:after|at|wait for) the (?:tone|beep)|(?:have |has |you )reached (?:the )?(?:voice ?mail|"
        r"mailbox|desk|office|residence|home|cell|phone|number)|"
        r"you (?:have|'ve) reached|reached the (?:voice ?mail|mailbox)|"
        r"(?:can ?not|can not|unable to|not able to) (?:come to|get to|take|answer) "
        r"(?:the|your|my) (?:phone|call)|mailbox|record your message|voice messaging|"
        r"(?:person|party|number|customer|subscriber) you (?:are (?:trying|calling)|have "
        r"(?:called|dialed)|dialed)|press (?:1|one|2|two|pound|star|0|zero|the)|"
        r"not available (?:right now|at the moment|to take|at this time)|"
        r"(?:office|we) (?:is|are) (?:currently |now )?closed|forwarded to (?:an? )?(?:automat\w+|"
        r"voice)|your call is (?:very )?important|next available (?:agent|representative|operator)|"
        r"(?:get|call|ring) (?:right )?back to you (?:as soon|shortly)|"
        r"return your call|away from (?:my|the|our) (?:desk|phone)|voice ?mail (?:of|for|box)|"
        r"sorry (?:i|we) (?:missed|can not take|could not take) your call|"
        r"i (?:will|shall) (?:get|call you) back (?:to you )?as soon as|"
        r"for (?:sales|english|billing|support) press)\b",
    ),
    # ---- someone else
    (
        "WRONG_PERSON",
        90,
        r"\b(?:wrong (?:number|person|guy|house|company|extension|place|man|woman|business|lady)|"
        r"(?:no ?body|no one|nobody) (?:here )?(?:here )?(?:by|with|named|called|has|under)\b.{0,6}"
        r"(?:name|\w+)|there is no (?!way|reason|time|need|point|one size|rush|problem|money|budget|"
        r"question|hurry|contract|doubt)\w+(?: \w+)? (?:here|at this|that works|in this|working)|"
        r"(?:does not|do not|did not|never) (?:work|works|worked|live|lives|lived) here|"
        r"(?:no longer|not any ?more) (?:works?|with|lives?|here|employed)|"
        r"not work here any ?more|"
        r"(?:left|quit|retired from) the (?:company|business|firm)|"
        r"(?:am|are|is) not the (?:right |correct |best )?(?:person|one|guy|owner|decision ?maker|"
        r"man|woman|manager|boss|contact)|not (?:in charge|responsible)|"
        r"(?:do not|does not) (?:handle|deal with|make|do|take care of|decide) (?:that|this|it|"
        r"those|these|any of|the|such|on|purchas\w+|buying|software)|"
        r"(?:someone|somebody) else (?:handles|does|is in charge|takes care|makes|decides|runs|"
        r"deals|you)|not my (?:department|area|job|responsibility|call to|field)|"
        r"this is not (?!a\b|the best|right|good|what|how|for|something|it|the time|working|my|"
        r"our|the)\w+$|(?:i am|it is) not (?:mike|sam|joe|john|mary|lisa|david|sarah)\b|"
        r"never heard of (?:him|her|them|anyone|that person)|(?:you )?(?:want|need|should|have|"
        r"would have) to? ?(?:speak|talk|ask|call|reach)(?: to| with)? (?:my|our|the|his|her) "
        r"(?:\w+ )?(?:boss|owner|manager|husband|wife|office|partner|dispatcher|receptionist)|"
        r"not (?:here|in) (?:right now|today|at the moment|any ?more)|just the (?:receptionist|"
        r"assistant|secretary|technician|intern|plumber|apprentice|nanny|babysitter|temp)|"
        r"just (?:answer|answering) the phones?|"
        r"(?:he|she|mike|sam|the owner|the boss|my boss|that person) (?:is|went|has) (?:not |out|away|"
        r"on vacation|gone|left|retired|passed)|only (?:answer|work on|do) the|"
        r"you (?:have|got|called|dialed|reached|must have) (?:the |have the |dialed the )?wrong|"
        r"(?:a )?private (?:number|residence|household|home)|not a business|meant to call someone)\b",
    ),
    # ---- a person
    (
        "TRANSFER",
        85,
        rf"\b(?:talk|speak|chat|speaking|talking|get through|through|get over|hand\w*|put|"
        rf"connect\w*|transfer\w*) (?:directly |now |just |me |us |this |my call )*(?:on |over |"
        rf"right )*(?:to|with) (?:one of )?(?:a |an |the |your |some |any |another )?"
        rf"(?:real |live |actual |human |different |your |tech\w* |senior |sales |support |"
        rf"customer |billing |breathing )*{_PERSON}\b",
    ),
    (
        "TRANSFER",
        85,
        rf"\b(?:transfer (?:me|us|my call|this|the call)|put (?:me|us) (?:through|on with)|"
        rf"connect (?:me|us)|patch (?:me|us)|pass (?:me|us|my call) (?:on|over|along|to)|"
        rf"get (?:me )?(?:a |an |your |the |someone |somebody )(?:real |live |human )*"
        rf"(?:{_PERSON} )?(?:on the (?:phone|line)|for me|please)|"
        rf"get me (?:a |an |your |the )(?:real |live |human )*{_PERSON}|hand (?:me|us) over|"
        rf"(?:want|need|like|prefer|rather have) (?:to have )?(?:a |an )?(?:real|live|human|actual) "
        rf"(?:real |live )*(?:person|human|being|agent|rep\w*|one)|escalate|"
        rf"(?:is|are) there (?:a |an |any )?(?:real |live |actual |human |someone |somebody )+"
        rf"(?:person|people|human|being|i can|that i|there|available|to talk|else)*|"
        rf"(?:let me|can i|could i|may i|i want to|i would like to|i need to|i would rather) "
        rf"(?:please )?(?:talk|speak|chat) (?:to|with) (?!you\b|my\b|our\b|me\b|about\b)\w+)\b",
    ),
    (
        "TRANSFER",
        84,
        r"^(?:\w+ )?(?:human|operator|representative|agent|real person|live agent|live person|"
        r"customer service|a human|a person|a representative|an? agent|an operator|a real person)"
        r"(?: please| now| representative)*$",
    ),
    # ---- again, please
    (
        "REPEAT",
        82,
        r"\b(?:(?:say|repeat|tell me|explain) (?:that|it|this|the last (?:part|bit|thing)|what you "
        r"(?:just )?said)(?: \w+)? (?:again|one more time|once more|slower|slowly|for me)|"
        r"(?:say|repeat|go over|run) (?:that|it|this) (?:again|one more|once more|by me|back|please|"
        r"slower|more slowly|last)|say again|come again|beg your pardon|pardon(?: me)?$|"
        r"(?:can|could|would|will) you (?:please |just )?(?:repeat|say that)|(?:please |^)repeat|"
        r"what (?:was|is) that(?: again| you said| last (?:part|bit|thing)| part| last one| now)?$|"
        r"what (?:was|were) (?:the last|that last|it you|that (?:bit|part))|"
        r"what (?:did you|you|were you|was it you|have you) (?:just )?(?:say|said|saying)\b|"
        r"(?:did not|could not|can not|do not|can hardly|can barely|not able to|did not quite|"
        r"barely|hard to|trouble) (?:quite |really |even )?(?:catch|caught|hear|hearing|get|make "
        r"out|understand|follow|heard)(?:ing)?(?: (?:you|that|what|it|a word|the|any|all|a thing|me|"
        r"anything|your|of|last|everything))*|"
        r"(?:you are|you were|you keep|you just|line is|it is|call is|your voice is) (?:all )?"
        r"(?:breaking|cutting|broke|cut|fading|dropping)(?: up| out| off| in)*|"
        r"(?:i )?missed (?:that|what|the|some|it|you)|one more time|once more|"
        r"(?:run|go) (?:that|through that|it) (?:by|again)|speak (?:up|louder|slower|more)|"
        r"slow down|too (?:fast|quiet|quick)|a (?:bit|little) (?:louder|slower)|louder|slower|"
        r"(?:bad|terrible|poor) (?:line|connection|reception)|what was your \w+ again|"
        r"who (?:did you say|are you) again|how much was (?:that|it) again|connection is)\b",
    ),
    (
        "REPEAT",
        82,
        r"^(?:(?:i am )?sorry |excuse me |uh |um |wait |hey )*(?:what|huh|hm+|eh|pardon|excuse me|"
        r"say what|come again|what now|you what|sorry|i am sorry|how is that|beg pardon)(?: sorry| "
        r"please| again| was that)*$",
    ),
    # ---- another time
    (
        "CALL_BACK_LATER",
        79,
        rf"\b(?:(?:call|ring|phone|try|catch|reach|buzz|dial) (?:me |us |him |her |my cell )?"
        rf"(?:back|again|later|another|some other|around|tomorrow|next|after|in an?|in the|in "
        rf"(?:\w+ )?(?:minutes?|hours?|days?|weeks?|months?)|on (?:my|{_DAY})|at (?:{_CLOCK}|"
        rf"lunch|home)|when|sometime|this|{_DAY})|"
        rf"(?:can|could|may|shall|let us|let me|will|why do not) (?:we |you |i |us )?(?:\w+ )?(?:talk|"
        rf"do this|do it|speak|chat|connect|discuss\w*|pick this up|continue|have this "
        rf"conversation|touch base|circle back|follow up)(?: with (?:me|us|you)| about this| to you)? "
        rf"(?:later|another|tomorrow|next|some other|some ?time|in an?|after|when|again|{_DAY})|"
        rf"(?:another|some other|different|better) (?:time|day|moment)|maybe later|"
        rf"(?:check|circle|come|get|reach|touch|swing) (?:back|base|out)(?: to| with| in| out)? "
        rf"(?:to |with )?(?:me |us )?(?:in|next|later|after|again|on|with|when|tomorrow|soon)|"
        rf"(?:follow|following) up (?:with (?:me|us) )?(?:in|next|later|after|tomorrow|again)|"
        rf"(?:give|shoot) (?:me|us) a (?:call|ring|buzz|shout) (?:back|later|tomorrow|next|in|"
        rf"after|on|around|when|sometime|again|at|this)|call (?:me |us )?back|callback|"
        rf"(?:i|we) (?:will|can|could|shall) (?:call|ring|phone|get back to) you|get back to (?:me|"
        rf"you|us))\b",
    ),
    (
        "CALL_BACK_LATER",
        77,
        rf"\b(?:(?:bad|terrible|awful|inconvenient|wrong|horrible|not (?:a |the |really a |such a |"
        rf"exactly a )?(?:very )?(?:good|great|best|right|convenient)) (?:time|moment|timing)|"
        rf"(?:you )?(?:caught|got|catch|catching) (?:me|us) at|(?:i am|we are|am|just|be) {_SO}{_BUSY}|"
        rf"^{_SO}{_BUSY}|(?:not|can not|no time to|can not really) (?:right )?(?:now|talk|"
        rf"speak|chat)(?: right| at)?(?: now| the moment)?$|can not (?:really )?(?:talk|speak|chat) "
        rf"(?:right )?(?:now|at)|(?:later|not now) (?:please|would|is|maybe|today)|"
        rf"(?:do not|have not|not) (?:have|got) (?:a |any |the )?(?:time|minute|second|moment) (?:right "
        rf"now|now|to talk|at the moment|today|for this right now)|no time right now)\b",
    ),
    # ---- leave-taking
    (
        "GOODBYE",
        74,
        r"\b(?:bye|goodbye|good bye|bye bye|farewell|see you|see ya|so long|good night|"
        r"have (?:a|yourself a) (?:good|great|nice|wonderful|lovely|blessed|fantastic) (?:day|one|"
        r"evening|weekend|night|afternoon|time|rest|week|morning)|take care|"
        r"(?:talk|speak|chat) (?:to you |with you |again )?(?:soon|later|then|tomorrow|tuesday)$|"
        r"(?:i|we) (?:have|need|got|have got|really have|should|better|had better|must) (?:to )?"
        r"(?:really )?(?:go|run|hop|get going|head out|jump|leave|get off|be going|get back to work|"
        r"take off)\b(?! (?:over|through|with|ahead|back over))|gotta (?:go|run|bounce)|"
        r"hang(?:ing)? up|(?:end|finish|ending) (?:the|this) call|(?:i|we) (?:will|can) let you go|"
        r"cheers|until (?:then|next time)|later (?:man|dude|joe)|catch you later|"
        r"talk (?:to you )?(?:later|soon)|you have a good)\b",
    ),
    (
        "GOODBYE",
        73,
        r"\b(?:that is (?:all|it|everything)(?! right)(?: (?:i|we) (?:need\w*|want\w*|had|have)| for "
        r"(?:now|today|me|us)| thanks?| thank you| really| from me| then)*(?: to (?:know|ask))?"
        r"(?=$| thank| thanks| bye| have| for| i | you)|that (?:will|would|should) (?:be (?:all|it|"
        r"everything)|do(?: it)?)|that (?:covers|answers) (?:it|everything|all)|"
        r"(?:nothing|not) (?:else|more|further)|"
        r"no (?:more|further|other) questions?|i think (?:that is|that was|we are) (?:it|all|done|"
        r"everything|good|set)|(?:i am|we are|i think i am|all) (?:all )?(?:set|done|finished)"
        r"(?: here| now| for now| for today| then)*(?=$| thank| thanks| bye)|got (?:all|everything) "
        r"(?:i|we) need\w*|do not need anything else|(?:i|we) have (?:all|everything) (?:i|we) need)"
        r"\b",
    ),
    # ---- refusal
    (
        "NOT_INTERESTED",
        80,
        r"\b(?:not (?:really |at all |very |particularly |that |even |all that |remotely )*"
        r"interested|(?:no|zero|not any) interest|uninterested|do not care|"
        r"(?:i|we) (?:will|am going to|are going to|would|think i will|think we will|shall|must|"
        r"have to) (?:have to )?(?:pass|decline)|pass on (?:this|that|it)|hard pass|"
        r"not (?:really )?(?:for (?:us|me)|our thing|my thing|a (?:good )?fit|something (?:we|i|that "
        r"we|that i)|what (?:we|i) (?:need|want|are looking)|in the market|looking (?:for|to)|"
        r"buying)|(?:do not|does not|would not|will not) (?:really |currently |actually )?(?:need|want) "
        r"(?:it|this|that|any|anything|your|one|what|to buy|a new|new|another|more|software|"
        r"help|the|none)(?! (?:to (?:wait|know)|card))|thanks but no thanks|thank you but no|"
        r"no thanks not|not today|(?:have|got|see) no (?:need|use)|no (?:need|use) for|"
        r"do not (?:waste|bother)|wasting (?:your|my) time|(?:save|saving) your breath|"
        r"forget (?:it|about it)|count (?:me|us) out|(?:i|we) would rather not|not going to (?:happen|"
        r"buy|work)|(?:not|do not) want to (?:buy|hear|do this|continue|go (?:on|ahead))|"
        r"not (?:at this time|at the moment|for now)|(?:stop|no) (?:selling|sales)|"
        r"do not (?:sell|pitch)|(?:we are|i am) (?:good|fine|all set|okay|ok) (?:without|as (?:we|i|"
        r"it)|the way|the way)|(?:we are|we are all) (?:all )?set|decided (?:against|not to)|"
        r"going (?:with|in) (?:someone|somebody|another|a different))\b",
    ),
    # ---- a meeting
    (
        "BOOK",
        70,
        r"\b(?:(?:book|schedule|reschedule|arrange|organi[sz]e|set up|setup|reserve|plan|make|get|"
        r"have|do|see|want|like|take|move|cancel|change|push|shift|postpone|confirm|put in|request|"
        r"join|attend|need|keep|pick) (?:me |us |in |up |you |to |see |have |please )*(?:for )?(?:a |an "
        r"|the |my |our |that |this |one of those |some |another )?(?:short |quick |live |product |"
        r"online |free |first |brief |little |15 minute |sales |30 minute |new |meeting |follow up )*"
        r"(?:demo|demonstration|meeting|appointment|slot|walk ?through|consultation|call with|"
        r"visit|session|presentation|time to (?:meet|talk)|zoom|video call)s?|"
        r"(?:book|schedule|pencil|slot|put|sign|fit) (?:me|us|it|that|something|this|one) "
        r"(?:in|down|up for (?:a|the|that|one)|for|on|at|with)|"
        r"book (?:me|us|it|that|one|something|a time|now|with|in)|"
        r"(?:schedule|reschedule) (?:me|us|it|that|something|one|a|for|now)|reschedule|"
        r"(?:set|setting) (?:something|that|this|it|one|a time|up a (?:time|call)|a (?:day|date|"
        r"meeting|demo)) ?(?:up)?|set up (?:something|a (?:time|call|day|chat)|one)|"
        r"(?:get|put|find) (?:me|us|something|it|that|this|a time) (?:on|in|for) (?:the|your|a|my) "
        r"(?:calendar|schedule|books|diary)|calendar invit\w+|(?:find|pick|agree on|choose) a (?:time|"
        r"day|date|slot)|(?:would|do|might|could) (?:love|like) (?:a|to see (?:a|the|it)) (?:demo|"
        r"in action)|(?:what|which|any|other|more|your|next) (?:days?|times?|dates?|slots?|"
        r"openings?|availability|appointments?|hours) (?:do you have|are (?:you )?(?:available|free|"
        r"open|left)|available|works? (?:best )?for you|is (?:free|open|available)|have you got)|"
        r"(?:any|next|have) (?:openings?|availability|free (?:slot|time)s?|slots?)|"
        r"are you (?:free|available|around)|when (?:can|could|are|is) (?:we|you|i|someone|the next) "
        r"(?:meet|talk|free|available|get a demo|do (?:a|the|that) demo|appointment|demo)|"
        r"let us (?:meet|get together|find|schedule|book)|meet (?:with )?(?:you|someone|somebody|up)|"
        r"(?:a|the) demo (?:on|at|for|next|this|tomorrow|would|please|sounds|with)|demo please)\b",
    ),
    (
        "BOOK",
        70,
        rf"\b(?:(?:does|would|is|will|could|can we do|how about|what about|let us (?:do|say|try|go "
        rf"with|make it)|i can do|we can do|could do|make it|maybe|say|go with|prefer|try|i am free|"
        rf"i am available|free|available|we could do|put me down for|move it to|switch it to) "
        rf"(?:on |at |around |maybe |is |the |it |next |this |sometime |to |for )*(?:{_DAY}|"
        rf"{_CLOCK} (?:am|pm|oclock|in the|on|tomorrow|thirty|works|instead|then)|(?:mornings?|"
        rf"afternoons?|noon))|"
        rf"(?:{_DAY}|morning|afternoon|noon|{_CLOCK}|am|pm|oclock)(?: at {_CLOCK})?(?: am| pm| oclock|"
        rf" thirty| morning| afternoon)? (?:works?|would (?:be|work)|is (?:good|fine|great|perfect|"
        rf"best|better|ok|okay)|sounds|suits|will (?:work|do)|should (?:work|be)|if (?:you|that)))\b",
    ),
    (
        "BOOK",
        58,
        rf"^(?:(?:on|next|this|at|around|yes|sure|okay|ok|maybe|say|for|in|the|um|uh|well|please) )*"
        rf"(?:{_DAY}|mornings?|afternoons?|noon|(?:{_CLOCK})(?: {_CLOCK}| thirty| fifteen)? (?:am|pm|"
        rf"oclock|in the))\b",
    ),
    (
        "BOOK",
        58,
        rf"\b(?:{_DAY})(?: the \w+)?(?: morning| afternoon)? (?:at|around|after|before) (?:{_CLOCK}|"
        rf"noon|half|quarter)\b",
    ),
)
"""Wishes: (intent, weight, pattern), searched anywhere in the text."""

STANCES: tuple[tuple[str, int, str], ...] = (
    (
        "OBJECTION",
        66,
        rf"\b(?:expensive|pric(?:e)?y|costly|overpriced|steep|(?:too|(?<!thank you )(?<!thanks )so|that) (?:much|high)(?: money| "
        rf"for|$)|(?:lot|ton) of money|(?:costs?|price is|charge) (?:way |a bit |far |a little )?(?:too|"
        rf"a lot)|a lot (?:of money|for|to pay|more than)|more than (?:we|i) (?:want|can|planned|pay|"
        rf"expected|wanted|budgeted|were)|(?:can not|could not|do not think we can) (?:really |possibly "
        rf")?(?:afford|justify|spend)|(?:out of|over|beyond|not in|outside|tight) (?:of )?(?:our |my |"
        rf"the )?(?:price range|budget)|(?:no|tight|limited|small|not have (?:the|a|any)) (?:\w+ )?"
        rf"(?:budget|money)|budget (?:is|for|this)|cheaper|money is tight|rip ?off|"
        rf"already (?:have|has|use|using|got|work\w*|pay\w*|do|doing|own|bought|set|signed|went|with|"
        rf"tried|spend)|(?:we|i) (?:are|am) (?:{_SO})?(?:happy|satisfied|comfortable|fine|content|"
        rf"good) with|(?:happy|satisfied) with|locked (?:in|into)|under (?:a )?contract|"
        rf"contract with|(?:works?|working|does|doing) (?:just |perfectly |pretty |well )*(?:fine|"
        rf"okay|ok|well|great|for us|enough|the job|good enough)|"
        rf"(?:spreadsheets?|paper|whiteboard|pen and paper|excel|system|way|calendar) (?:we have |we "
        rf"use )?(?:works?|is fine|are fine|does|do the|is good)|(?:too|so|very|really|sounds|seems|"
        rf"looks|pretty) (?:complicated|complex|hard|difficult|much (?:work|trouble|hassle|effort)|"
        rf"good to be true|risky)|(?:hassle|headache|pain to|learning curve)|no time (?:for|to)|"
        rf"(?:do not|not) have (?:the |any |enough |that kind of )?(?:time|money|budget|staff|bandwidth|"
        rf"authority|people) ?(?:for|to)?|(?:have to|need to|got to|gotta|must|should|will|want to|"
        rf"would have to|let me|going to) (?:first )?(?:ask|talk|check|run|speak|discuss|clear|consult|"
        rf"go over|pass|bring|get approval|see what)(?: \w+){{0,3}} (?:my|our|the|from) (?:\w+ )?"
        rf"{_RELATIVE}|(?:think|mull|talk) (?:about|on|over) (?:it|this|that)|think (?:it|this|that) "
        rf"over|sleep on (?:it|this)|(?:up to|decision (?:of|for|is|belongs)) (?:my|our|the|not)|not my "
        rf"(?:decision|call)|(?:skeptical|sceptical|hesitant|reluctant|doubt\w*|worried|worry|nervous|"
        rf"concern\w*|suspicious|afraid (?:it|that|of|my|the|we))|not (?:so |really |very |quite |"
        rf"totally |too |entirely )?(?:convinced|sure (?:about|it|this|that|if|we|i)|certain|worth|"
        rf"comfortable|ready|big enough|tech\w*|good with (?:computers|tech\w*))|(?:do not|does not|can "
        rf"not|not|hard to) (?:really |fully |quite )?(?:trust|believe|think (?:it|this|we|that|my|i|"
        rf"you)|like|see (?:the|how|why|any|a)|buy (?:it|that)|feel)|(?:scam|sounds fishy|catch|"
        rf"gimmick|sales pitch|hidden fees?)|(?:been )?burned (?:before|by)|(?:bad|terrible|awful) "
        rf"experiences?|(?:tried|used) (?:\w+ ){{0,4}}(?:before|and (?:it|we|they|hated)|last year)|"
        rf"too small|only (?:have )?(?:a few|two|three|2|3|a couple|one|a handful)|"
        rf"never heard of (?:you|your|this|the company|maplewood)|(?:would|prefer|rather) (?:stick|stay|"
        rf"keep)|stick(?:ing)? with|prefer (?:paper|to|our|the|doing|pen)|by hand|(?:change|switch\w*|"
        rf"chang\w+) (?:is|would|everything|systems?|software|takes?|over)|(?:guys|technicians|crew|"
        rf"people|team|employees) (?:will|would|are|do|hate|won) ?(?:never|not|hate|use|too|like|"
        rf"resist)|waste of (?:time|money)|do not need (?:all|that much|so many)|(?:we|i) (?:just |"
        rf"currently |still |only )*(?:use|manage|run|do) (?:\w+ ){{0,4}}(?:spreadsheets?|paper|excel|"
        rf"whiteboard|notebook|google calendar|servicetitan|jobber|a competitor|another|something "
        rf"else|someone else)|competitors? (?:is|are|has|charges|offers?|does)|"
        rf"(?:have|got|with) (?:a |an |another )?(?:system|provider|vendor|solution|tool|software|"
        rf"someone|competitor|company) (?:for|that|in place|already|doing)|in place already|another "
        rf"(?:system|provider|vendor|company|solution|tool|software))\b",
    ),
    (
        "INTERESTED",
        57,
        r"\b(?:(?:sounds?|looks?|seems?) (?:really |very |pretty |quite |like |it is |so |just |kind of |"
        r"rather |actually |super |that is |pretty much )*(?:good|great|interesting|nice|perfect|"
        r"awesome|amazing|useful|promising|helpful|excellent|fantastic|wonderful|cool|handy|"
        r"reasonable|fair|intriguing|exactly|something|what|a (?:good|great|nice|fair)|fine|"
        r"brilliant|exciting|impressive|worth)|(?:i am|we are|i might|would|could|might|may|definitely|"
        r"very|really|pretty|quite|kind of|yes|sort of|be|somewhat|am|are|extremely|absolutely) (?:be )?"
        r"(?:\w+ )?interested|interested in|"
        r"(?:i|we) (?:really |do |definitely |kind of |actually |quite )*(?:like|love) (?:that|it|the|"
        r"this|what|how|your)|love (?:that|it|this|to)|(?:want|would like|like|love|ready|happy|"
        r"willing|going|excited|keen|eager|open|prepared|curious) to "
        r"(?:\w+ )?(?:try|give|see|learn|hear|start|sign|get started|go ahead|buy|use|move forward|"
        r"know more|go for|explore|proceed|find out more|test|order|look|subscribe|"
        r"trying|hearing|learning|do it)|sign (?:me|us) up|let us (?:do it|go for|go ahead|get "
        r"started|start|try|move|give)|count (?:me|us) in|(?:i am|we are) (?:all )?(?:in|sold|on board|"
        r"intrigued|curious|open to)\b|(?:that|it|this) (?:would|could|might|will) (?:really |"
        r"definitely |actually |be )*(?:great|helpful|help|work|nice|useful|perfect|awesome|"
        r"amazing|save|solve|good|wonderful|fantastic|a big)|(?:that|this|it) is (?:really |very |just |"
        r"pretty |so |actually |kind of )*(?:great|interesting|exactly|what (?:we|i)|awesome|amazing|"
        r"perfect|impressive|cool|fantastic|wonderful|useful|helpful|the kind|just what|tempting|"
        r"excellent|not bad)|(?:we|i) (?:could|can|really|definitely|do|have been|are|am) (?:really )?"
        r"(?:use|need|needing|looking (?:for|at|into)) (?:that|this|something|a|an|help|one|new|"
        r"exactly|better|some|software)|(?:exactly|just) what (?:we|i)|keep (?:going|talking)|go on$|"
        r"tell (?:me|us) more$|(?:i|we) (?:want|would like|will take|will go with|could go for) "
        r"(?:it|one|that|the|in|to hear more|more)|not (?:saying|said) no|did not say no|"
        r"(?:it is )?not that i am not interested|(?:got|have|caught) (?:my|our) (?:attention|"
        r"interest)|i am listening|(?:worth|good) (?:a (?:try|shot|look)|trying|looking)|"
        r"give (?:it|this|that) a (?:try|shot|go|chance|whirl)|where do (?:i|we) sign|sign up|"
        r"(?:more|further) (?:info|information|details)(?: please)?$|not bad|i might try|i am keen|"
        r"do not (?:take|remove) (?:me|us) off)\b",
    ),
    (
        "HOLD",
        50,
        r"\b(?:hold (?:on|up|it|the line|please|that thought)|hang on|wait(?:ing)?|stop|"
        r"(?:just |give me |gimme |need |for |got )?(?:a|one|1|two|half a|couple) (?:quick |more )?"
        r"(?:second|sec|secs|minute|moment|min|mo|seconds|minutes|tick)s?(?: please| here)?|just a "
        r"(?:second|sec|minute|moment)|bear with me|be (?:right|quiet)(?: back)?|shut up|pause|"
        r"let me (?:just |quickly )?(?:grab|get|find|check|write|think|see|look|pull|put you on hold|"
        r"close|turn|step|finish|open|note|jot|speak|talk|interrupt|stop you)|not so fast|"
        r"let me finish|i was (?:still )?(?:talking|speaking)|(?:someone|somebody) (?:is )?at the "
        r"door|do not (?:hang up|go)|quiet|one at a time|easy|whoa|enough|hush|time out)\b",
    ),
    (
        "HELLO",
        68,
        r"\b(?:how are you|how is it going|how do you do|how are things|how have you been|how you "
        r"doing|what is up|(?:anyone|anybody|someone) there$|are you (?:still )?there|(?:can|do) "
        r"you hear me|is anyone (?:there|here)|is (?:someone|somebody|anybody) there|you there|"
        r"nice to (?:meet|talk)|testing|is this thing on)\b",
    ),
    (
        "HELLO",
        22,
        r"^(?:hi|hello|hey|hiya|howdy|yo|greetings|good (?:morning|afternoon|evening|day)|morning|"
        r"afternoon|evening)\b|^(?:yes |yeah )?(?:hi |hello )?(?:this is|it is|my name is|"
        r"you are speaking (?:to|with)) (?!not\b|a\b|the\b|too\b|so\b|very\b|just\b|about\b)\w+"
        r"(?: \w+){0,5}$|^\w+(?: \w+)? speaking$|^\w+ (?:plumbing|electric\w*|heating|hvac|services?) "
        r"(?:this is|\w+ speaking|how can|can i)\b",
    ),
)
"""Attitudes; a question that follows one wins over it."""

COMPILED = tuple((name, weight, re.compile(pattern)) for name, weight, pattern in RULES)
COMPILED_STANCES = tuple((name, weight, re.compile(pattern)) for name, weight, pattern in STANCES)

DENIED = {
    "DO_NOT_CALL": re.compile(
        r"\b(?:do not|not|never|no need to|did not|without) (?:\w+ ){0,5}?(?:take|remove|get|delete|"
        r"drop) (?:me|us|my|our)\b|\bnot (?:asking|telling|saying|want)(?: \w+){0,4} (?:stop|quit|not "
        r"to|take|remove)|do not stop calling|\bwhy (?:did|do) (?:you|nobody|no one) (?:not|never)? ?"
        r"(?:call|stop)|\bhow (?:do|can|would) (?:i|we|you) (?:take|remove|delete|get|drop)|"
        r"\b(?:can|does|will|would) it (?:\w+ )?(?:take|remove|call|text|contact)|"
        r"\bcalls? (?:out|customers)"
    ),
    "NOT_INTERESTED": re.compile(
        r"\bnot (?:saying|that|say)(?: that)?(?: i am| we are| i was)? not interested|"
        r"\bnot uninterested|\bdid not say(?: \w+)* not interested|\bdo not (?:want|need) (?:to wait|a "
        r"contract|to be locked)"
    ),
    "OBJECTION": re.compile(
        r"\bnot (?:so |too |that |very |really |at all |bad |as )*(?:expensive|pricey|steep|"
        r"complicated|hard|worried|too much|too bad)|\b(?:less|not as) expensive|"
        r"\bno (?:concerns?|doubt|worries)|\bwithout (?:any )?hassle"
    ),
    "GOODBYE": re.compile(
        r"\b(?:do not|please do not|not) (?:hang up|go|end)|\bis that (?:all|it|everything)\b|"
        r"\bcan (?:we|i|they|it) hang up|\bnot (?:done|finished)|\bthat is not (?:all|it)|"
        r"\bnot more than|\b(?:have|need) to go (?:to|up|there|online)"
    ),
    "CALL_BACK_LATER": re.compile(
        r"\bnot (?:too |that |so |really |very )*busy|\bnever call(?:ed)? (?:me |us )?back|"
        r"\b(?:did not|do not|never|nobody|no one|stop) (?:\w+ )?(?:call|calling|called) (?:me |us )?"
        r"(?:back|again)|\b(?:busy|driving) (?:season|directions|summer|period|time)"
    ),
    "TRANSFER": re.compile(
        r"\b(?:will|do|would|can) i (?:ever |always )?get (?:a |to )|"
        r"\b(?:are you|is this|am i (?:talking|speaking) (?:to|with)|is it|you are) (?:even |really |"
        r"talking |actually )*(?:a |an |to a )?(?:real |live |actual |human )*(?:person|human|robot|"
        r"machine|bot|ai|computer|agent)|\bdo not (?:transfer|connect|put|need to (?:speak|talk))|"
        r"\bnot (?:asking|want|wanting) to (?:speak|talk)"
    ),
    "BOOK": re.compile(
        r"\b(?:does|will|can|could|would) (?:it|the (?:app|system|software)|my (?:customers|clients|"
        r"technicians|guys)|our (?:customers|clients|technicians)|customers|clients|technicians|"
        r"homeowners|they) (?:\w+ )?(?:book|schedule|move|make|set|get|see|take|pick|change|cancel|"
        r"reschedule)|\bhow (?:long|much|many|does|do (?:the|your|my)) |\bwhat (?:is|happens|do you "
        r"show|does)\b|\bmissed appointments?|\b(?:do not|not) (?:want|need) (?:a|the|any|another) "
        r"(?:demo|meeting)|\bappointment reminders?|\bno (?:demo|meeting)s?\b|\bopen on\b"
    ),
    "WRONG_PERSON": re.compile(
        r"\bis this the wrong|\bmy technicians? (?:is|are)|\bwhat if .{0,30} (?:is not|does not)|"
        r"\bdo not do (?:that|this|it) (?:right )?now"
    ),
    "HOLD": re.compile(
        r"\b(?:no|not|do not|can not|can hardly) (?:\w+ )?(?:wait|stop)\b|\bon hold\b|"
        r"\bnon ?stop|\bwait (?:time|list)"
    ),
    "VOICEMAIL": re.compile(
        r"\b(?:can|should|could|may|shall) (?:i|we|customers?|they) (?:\w+ )?leave|\bdid you "
        r"(?:\w+ )?leave|\bdoes it|\bi (?:will|can) leave"
    ),
    "INTERESTED": re.compile(
        r"\b(?:not|no longer|never|less) (?:\w+ )?(?:interested|looking|great|helpful|useful|"
        r"interesting|want)|\bdo not (?:like|love)|\bnot (?:like|love)\b"
    ),
}
"""Where one of these is found, the intent is not meant: negations and things asked about."""
