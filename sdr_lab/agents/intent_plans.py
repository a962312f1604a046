"""Wordings about what comes next: later, goodbye, no thanks, a meeting."""

from __future__ import annotations

from sdr_lab.agents.intent_rules import Rule

PLANS: tuple[Rule, ...] = (
    Rule(
        "CALL_BACK_LATER",
        79,
        (
            r"(?:later|tomorrow|tonight|<day>|next week|another day|afternoon|morning|"
            r"evening) (?:would be|is|might be|works) (?:a )?better(?: time)?(?: for a call|"
            r" to (?:talk|call|chat))",
            r"(?:after|in) (?:the )?(?:holidays?|spring|summer|fall|winter|new year|season|"
            r"weekend)",
            r"(?:can|could|may|should|shall|let me) (?:i )?(?:call|ring|phone) you",
            r"(?:call|ring|try|phone) (?:me |us )?(?:back |again )?(?:some other|another|"
            r"a different|tomorrow|tonight|later|after|around|before)",
            r"(?:talk|speak|chat) (?:about (?:this|it) )?(?:later|another time|some other time|"
            r"tomorrow|next week)(?! (?:soon))",
            r"(?:can|could) (?:it|this|that) wait",
            r"(?:i will|we will) (?:be )?(?:back|available|free|around) (?:after|in|later|tomorrow|"
            r"at)",
            r"(?:reach|contact|phone|call) (?:me|us) (?:in|at|after|on) (?:the|a|about|<day>|"
            r"<clock>)",
            r"(?:call|ring|phone|try|catch|reach|buzz|dial) (?:me |us |him |her |"
            r"my cell )?(?:back|again|later|another|some other|around|tomorrow|next|after|"
            r"in an?|in the|in (?:\w+ )?(?:minutes?|hours?|days?|weeks?|months?)|on (?:my|"
            r"<day>)|at (?:<clock>|lunch|home)|when|sometime|this|<day>)",
            r"(?:can|could|may|shall|let us|let me|will|why do not) (?:we |you |i |"
            r"us )?(?:\w+ )?(?:talk|do this|do it|speak|chat|connect|discuss\w*|pick this up|"
            r"continue|have this conversation|touch base|circle back|follow up)(?: with (?:me|"
            r"us|you)| about this| to you)? (?:later|another|tomorrow|next|some other|"
            r"some ?time|in an?|after|when|again|<day>)",
            r"(?:another|some other|different|better) (?:time|day|moment)",
            r"maybe later",
            r"(?:check|circle|come|get|reach|touch|swing) (?:back|base|out)(?: to| with| in|"
            r" out)? (?:to |with )?(?:me |us )?(?:in|next|later|after|again|on|with|when|"
            r"tomorrow|soon)",
            r"(?:follow|following) up (?:with (?:me|us) )?(?:in|next|later|after|tomorrow|"
            r"again)",
            r"(?:give|shoot) (?:me|us) a (?:call|ring|buzz|shout) (?:back|later|tomorrow|next|"
            r"in|after|on|around|when|sometime|again|at|this)",
            r"call (?:me |us )?back",
            r"callback",
            r"(?:i|we) (?:will|can|could|shall) (?:call|ring|phone|get back to) you",
            r"get back to (?:me|you|us)",
        ),
    ),
    Rule(
        "CALL_BACK_LATER",
        77,
        (
            r"about to (?:eat|have|sit|board|pick|drive|start|go|leave|walk|head|get|step|run|"
            r"take)",
            r"(?:up )?on (?:a|the|my) (?:roof|ladder)",
            r"(?:do not|not) have (?:the )?time (?:at the moment|right now|now|today|this second)",
            r"only (?:have|got) a (?:second|minute|moment|sec)",
            r"(?:hands (?:are|is) (?:full|tied)|have my hands full)",
            r"(?:do not|can not|not able to) (?:really )?(?:talk|speak|chat|"
            r"do this) (?:right )?now",
            r"(?:in|at) (?:the|a) (?:car|truck|van|store|hospital|doctor s|job site|crawl ?space|"
            r"attic|supermarket|gym|airport|funeral|restaurant|bank)",
            r"(?:kind of|sort of|really|a bit|a little|super|pretty) (?:busy|tied up|swamped|"
            r"rushed)",
            r"(?:have|got) (?:a|another) (?:customer|client|meeting|call|patient) (?:here|waiting|"
            r"right now|coming|in|on)",
            r"(?:not|never) a good time",
            r"in a (?:hurry|rush)",
            r"under a sink|up a ladder|on a roof",
            r"(?:bad|terrible|awful|inconvenient|wrong|horrible|not (?:a |the |really a |"
            r"such a |exactly a )?(?:very )?(?:good|great|best|right|convenient)) (?:time|"
            r"moment|timing)",
            r"(?:you )?(?:caught|got|catch|catching) (?:me|us) at",
            r"(?:i am|we are|am|just|be) <so><busy>",
            r"^<so><busy>",
            r"(?:not|can not|no time to|can not really) (?:right )?(?:now|talk|speak|"
            r"chat)(?: right| at)?(?: now| the moment)?$",
            r"can not (?:really )?(?:talk|speak|chat) (?:right )?(?:now|at)",
            r"(?:later|not now) (?:please|would|is|maybe|today)",
            r"(?:do not|have not|not) (?:have|got) (?:a |any |the )?(?:time|minute|second|"
            r"moment) (?:right now|now|to talk|at the moment|today|for this right now)",
            r"no time right now",
        ),
    ),
    Rule(
        "GOODBYE",
        74,
        (
            r"bye",
            r"goodbye",
            r"good bye",
            r"bye bye",
            r"farewell",
            r"see you",
            r"see ya",
            r"so long",
            r"good night",
            r"have (?:a|yourself a) (?:good|great|nice|wonderful|lovely|blessed|"
            r"fantastic) (?:day|one|evening|weekend|night|afternoon|time|rest|week|morning)",
            r"take care",
            r"(?:talk|speak|chat) (?:to you |with you |again )?(?:soon|later|then|tomorrow|"
            r"tuesday)$",
            r"(?:i|we) (?:have|need|got|have got|really have|should|better|had better|"
            r"must) (?:to )?(?:really )?(?:go|run|hop|get going|head out|jump|leave|get off|"
            r"be going|get back to work|take off)\b(?! (?:over|through|with|ahead|back over|it|"
            r"this|that))",
            r"gotta (?:go|run|bounce)",
            r"hang(?:ing)? up",
            r"(?:end|finish|ending) (?:the|this) call",
            r"(?:i|we) (?:will|can) let you go",
            r"cheers",
            r"until (?:then|next time)",
            r"later (?:man|dude|joe)",
            r"catch you later",
            r"talk (?:to you )?(?:later|soon)",
            r"you have a good",
        ),
    ),
    Rule(
        "GOODBYE",
        73,
        (
            r"that was (?:all|it|everything)",
            r"(?:going to|will|should|better) let you go",
            r"(?:covered|covers|answered|answers) (?:it|everything|all)(?: of)?(?: \w+){0,3}",
            r"answered (?:all )?(?:of )?my questions?",
            r"until (?:then|<day>|next)",
            r"(?:great|good|nice|lovely|pleasure) (?:talking|speaking|chatting|to talk|meeting)",
            r"that is (?:about|pretty much|basically|really) (?:it|all|everything)",
            r"(?:i am|we are) (?:hanging up|done here|finished here|off)",
            r"(?:see|talk to|speak to) you (?:on )?<day>",
            r"(?:over and out|adios|ciao|so long|peace out|ta ta|toodles)",
            r"(?:wrap|wrapping) (?:this |it )?up",
            r"(?:can|let us|we can|could) (?:just )?(?:end|stop|finish|wrap|leave|hang)(?: it|"
            r" this| things| that)? (?:here|up|there)",
            r"(?:do not|will not) need anything (?:else|more)",
            r"(?:all|everything) (?:i|we) (?:need\w*|want\w*)(?: to know| for now| today)?$",
            r"(?:i am|i think i am) (?:all )?(?:good|okay|fine)(?: here| now| for now| thank\w*|"
            r" then)*(?: you)?$",
            r"(?:no|nope|nah) (?:i am|that is) (?:all )?(?:good|it|all|everything|fine)",
            r"(?:nothing|no) (?:else|more|further)(?: for (?:me|now|today)| at the moment|"
            r" from me)?",
            r"(?:i will|we will) let you (?:go|get back)",
            r"(?:thanks|thank you) for (?:calling|your (?:time|help)|the (?:call|help|"
            r"chat))(?: joe| today| and goodbye)*$",
            r"(?:was )?nice (?:talking|speaking|chatting) (?:to|with) you",
            r"that is (?:all|it|everything)(?! right)(?: (?:i|we) (?:need\w*|want\w*|had|"
            r"have)| for (?:now|today|me|us)| thanks?| thank you| really| from me|"
            r" then)*(?: to (?:know|ask))?(?=$| thank| thanks| bye| have| for| i | you)",
            r"that (?:will|would|should) (?:be (?:all|it|everything)|do(?: it)?)",
            r"that (?:covers|answers) (?:it|everything|all)",
            r"(?:nothing|not) (?:else|more|further)",
            r"no (?:more|further|other) questions?",
            r"i think (?:that is|that was|we are) (?:it|all|done|everything|good|set)",
            r"(?:i am|we are|i think i am|all) (?:all )?(?:set|done|finished)(?: here| now|"
            r" for now| for today| then)*(?=$| thank| thanks| bye)",
            r"got (?:all|everything) (?:i|we) need\w*",
            r"do not need anything else",
            r"(?:i|we) have (?:all|everything) (?:i|we) need",
        ),
    ),
    Rule(
        "NOT_INTERESTED",
        80,
        (
            r"(?:love|like|hate) to but (?:no|i|we)",
            r"but (?:no|no thanks|no thank you|i will pass|we will pass)$",
            r"(?:do not|does not) (?:apply|appeal) to",
            r"(?:not|no longer) (?:something|anything) (?:i|we|for)",
            r"(?:we are|i am) (?:all )?(?:covered|taken care of|sorted)",
            r"(?:it is |that is |going to be )(?:a )?(?:hard |firm )?no(?: from| for)? (?:me|us)",
            r"not (?:going to|gonna) (?:be )?(?:need|needing|want|wanting|use|using|happen|buy|"
            r"buying)",
            r"(?:i|we) (?:do not|would not|will not) (?:really )?(?:want|need|use|"
            r"be needing) (?:this|that|it|any of)",
            r"(?:take|taking) no for an answer|no means no",
            r"not something (?:i|we|that)",
            r"(?:another|someone else|different) (?:company|vendor|provider) (?:instead|already)",
            r"(?:going to|have to|gonna|will|would) (?:have to )?say no",
            r"(?:no|not) (?:interest|point|need) (?:in|for) (?:this|that|it|us|me)",
            r"(?:just )?(?:not|nothing) (?:for|of interest to) (?:us|me)",
            r"do not (?:need|want) (?:your|any) (?:services?|products?|help|software)",
            r"we are (?:all )?good(?: here| thank\w*| for now| then)*(?: you)?$",
            r"do not think (?:this|it|that|we|i)(?: is| would be| will be| are| am)? (?:for (?:us|"
            r"me)|a (?:good )?(?:fit|match)|something|interested|right for|going to)",
            r"(?:this|it|that) is not (?:really )?(?:for (?:us|me)|something|what (?:we|i) (?:need|"
            r"want|are))",
            r"(?:save|waste) your (?:time|breath)",
            r"(?:i will|we will|i would) (?:have to )?(?:say no|turn (?:it|this|that|you) down|"
            r"decline)",
            r"the answer is no",
            r"not buying (?:it|anything|today)",
            r"(?:no|not) (?:sale|deal)",
            r"(?:i am|we are) not (?:going to|gonna) (?:buy|sign|switch|change|do)",
            r"(?:do not|does not) interest (?:me|us)",
            r"(?:lost|losing) interest",
            r"not the (?:right )?(?:thing|product|solution|fit) for (?:me|us)",
            r"not (?:really |at all |very |particularly |that |even |all that |"
            r"remotely )*interested",
            r"(?:no|zero|not any) interest",
            r"uninterested",
            r"do not care",
            r"(?:i|we) (?:will|am going to|are going to|would|think i will|think we will|"
            r"shall|must|have to) (?:have to )?(?:pass|decline)",
            r"pass on (?:this|that|it)",
            r"hard pass",
            r"not (?:really )?(?:for (?:us|me)|our thing|my thing|a (?:good )?fit|"
            r"something (?:we|i|that we|that i)|what (?:we|i) (?:need|want|are looking)|"
            r"in the market|looking (?:for|to)|buying)",
            r"(?:do not|does not|would not|will not) (?:really |currently |actually )?(?:need|"
            r"want) (?:it|this|that|any|anything(?! else| more)|your|one|what|to buy|a new|new|"
            r"another|more|"
            r"software|help|the|none)(?! (?:to (?:wait|know)|card))",
            r"thanks but no thanks",
            r"thank you but no",
            r"no thanks not",
            r"not today",
            r"(?:have|got|see) no (?:need|use)",
            r"no (?:need|use) for",
            r"do not (?:waste|bother)",
            r"wasting (?:your|my) time",
            r"(?:save|saving) your breath",
            r"forget (?:it|about it)",
            r"count (?:me|us) out",
            r"(?:i|we) would rather not",
            r"not going to (?:happen|buy|work)",
            r"(?:not|do not) want to (?:buy|hear|do this|continue|go (?:on|ahead))",
            r"not (?:at this time|at the moment|for now)",
            r"(?:stop|no) (?:selling|sales)",
            r"do not (?:sell|pitch)",
            r"(?:we are|i am) (?:good|fine|all set|okay|ok) (?:without|as (?:we|i|it)|the way|"
            r"the way)",
            r"(?:we are|we are all) (?:all )?set",
            r"decided (?:against|not to)",
            r"going (?:with|in) (?:someone|somebody|another|a different)",
        ),
    ),
    Rule(
        "BOOK",
        70,
        (
            r"set (?:me|us) up (?:with|for)",
            r"(?:have|got|any) (?:any |some )?(?:time|room|something|anything|space|"
            r"openings?)(?: \w+)? (?:on|at|for|this|next|in the) (?:<day>|<clock>|week|mornings?|"
            r"afternoons?)",
            r"^(?:\w+ ){0,4}(?:the )?(?:first|second|third|last|1st|2nd|3rd|earliest|latest|later|"
            r"earlier|middle) (?:one|slot|time|option|appointment)(?: works| please| is| would|"
            r" sounds| be| good| great| fine| perfect| for me)*$",
            r"(?:fit|squeeze|slot) (?:me|us) in",
            r"(?:get|put|have) (?:me|us|it|that|this|something) (?:scheduled|booked|on the books|"
            r"set up|down)",
            r"(?:when|what day|what time) (?:works|suits|is good|would work) (?:for|best|you)",
            r"(?:come|swing|drop) by (?:on|next|this|at)",
            r"(?:i am|we are) (?:free|available|open) (?:on|at|after|before|next|this|any|in|"
            r"<day>)",
            r"(?:any ?time|sometime) (?:on|after|before|next|this) (?:<day>|<clock>|week)",
            r"(?:would|is) (?:<day>|<clock>)(?: \w+)? (?:be )?(?:ok|okay|good|possible|available|"
            r"free|work)",
            r"(?:book|schedule|reschedule|arrange|organi[sz]e|set up|setup|reserve|plan|make|"
            r"get|have|do|see|want|like|take|move|cancel|change|push|shift|postpone|confirm|"
            r"put in|request|join|attend|need|keep|pick) (?:me |us |in |up |you |to |see |"
            r"have |please )*(?:for )?(?:a |an |the |my |our |that |this |one of those |some |"
            r"another )?(?:short |quick |live |product |online |free |first |brief |little |"
            r"15 minute |sales |30 minute |new |meeting |follow up )*(?:demo|demonstration|"
            r"meeting|appointment|slot|walk ?through|consultation|call with|visit|session|"
            r"presentation|time to (?:meet|talk)|zoom|video call)s?",
            r"(?:book|schedule|pencil|slot|put|sign|fit) (?:me|us|it|that|something|this|"
            r"one) (?:in|down|up for (?:a|the|that|one)|for|on|at|with)",
            r"book (?:me|us|it|that|one|something|a time|now|with|in)",
            r"(?:schedule|reschedule) (?:me|us|it|that|something|one|a|for|now)",
            r"reschedule",
            r"(?:set|setting) (?:something|that|this|it|one|a time|up a (?:time|call)|"
            r"a (?:day|date|meeting|demo)) ?(?:up)?",
            r"set up (?:something|a (?:time|call|day|chat)|one)",
            r"(?:get|put|find) (?:me|us|something|it|that|this|a time) (?:on|in|for) (?:the|"
            r"your|a|my) (?:calendar|schedule|books|diary)",
            r"calendar invit\w+",
            r"(?:find|pick|agree on|choose) a (?:time|day|date|slot)",
            r"(?:would|do|might|could) (?:love|like) (?:a|to see (?:a|the|it)) (?:demo|"
            r"in action)",
            r"(?:what|which|any|other|more|your|next) (?:days?|times?|dates?|slots?|openings?|"
            r"availability|appointments?|hours) (?:do you have|are (?:you )?(?:available|free|"
            r"open|left)|available|works? (?:best )?for you|is (?:free|open|available)|"
            r"have you got)",
            r"(?:any|next|have) (?:openings?|availability|free (?:slot|time)s?|slots?)",
            r"are you (?:free|available|around)",
            r"when (?:can|could|are|is) (?:we|you|i|someone|the next) (?:meet|talk|free|"
            r"available|get a demo|do (?:a|the|that) demo|appointment|demo)",
            r"let us (?:meet|get together|find|schedule|book)",
            r"meet (?:with )?(?:you|someone|somebody|up)",
            r"(?:a|the) demo (?:on|at|for|next|this|tomorrow|would|please|sounds|with)",
            r"demo please",
        ),
    ),
    Rule(
        "BOOK",
        70,
        (
            r"your availability",
            r"rather (?:do|have|take) (?:the |it |in )*(?:<day>|mornings?|afternoons?|evenings?|"
            r"<clock>)",
            r"(?:<day>|morning|afternoon|<clock>|first|second|early|late|next|that) (?:slot|"
            r"appointment|opening)",
            r"the <clock>(?: <clock>| thirty)? (?:oclock|one|slot|am|pm)",
            r"(?:change|move|switch|push back|shift) (?:the )?(?:time|day|date|meeting|demo|"
            r"appointment)(?: \w+)?(?: of)?",
            r"show me (?:a|the) demo",
            r"(?:make it|at|for|say|on) (?:half|quarter) past",
            r"make it (?:<day>|<clock>|the|noon)",
            r"the (?:<nth>)(?: of <month>)? (?:at|around|in the|works|is|would|sounds|please)",
            r"<clock>(?: <clock>| thirty| fifteen)? (?:am|pm|oclock)(?: \w+){0,2} (?:the <nth>|"
            r"<day>)",
            r"(?:mornings?|afternoons?|evenings?) (?:is|are|would be|works?) (?:better|best|good|"
            r"fine|great|ideal)",
            r"(?:book|reserve|schedule|confirm|take|grab) (?:the )?(?:<clock>|"
            r"<day>)(?: \w+)?(?: one| slot|$| at| morning| afternoon)",
            r"(?:can|could|may|shall) (?:we|you|i) (?:\w+ ){0,4}(?:on|for|at|to) (?:the )?(?:<day>|"
            r"first of|second of|third of|\d+(?:st|nd|rd|th))",
            r"how (?:does|is|would) (?:<day>|the \w+ of)(?: \w+){0,4}",
            r"(?:anything|something|slots?|times?|openings?|spots?) (?:open|free|available|left)",
            r"(?:can|could|may) (?:we|you|i) (?:change|move|switch|push|shift) (?:it|that|this|"
            r"the (?:time|day|date))",
            r"(?:any )?(?:chance|way) (?:of|for|to get|i could get|to see) (?:a|the) (?:demo|"
            r"meeting|appointment)",
            r"go with (?:<day>|<clock>|the)",
            r"(?:<clock>|am|pm|<day>|that day|that time) (?:works|is|would be|suits) (?:better|"
            r"best|me|us|good|great|perfect|fine)",
            r"see (?:it|this|that|the (?:product|software|app)) in action",
            r"(?:can not|could not) (?:make|do) (?:it )?(?:<day>|that (?:day|time))",
            r"(?:can|could|shall|should|may) (?:we|you|i) (?:do|say|make it|try|come|meet|"
            r"have) (?:on |at |for |it |maybe )*(?:next |this )?(?:<day>|<clock>|noon|mornings?|"
            r"afternoons?)",
            r"(?:does|would|is|will|could|can we do|how about|what about|let us (?:do|say|try|"
            r"go with|make it)|i can do|we can do|could do|make it|maybe|say|go with|prefer|"
            r"try|i am free|i am available|free|available|we could do|put me down for|"
            r"move it to|switch it to) (?:on |at |around |maybe |is |the |it |next |this |"
            r"sometime |to |for )*(?:<day>|<clock> (?:am|pm|oclock|in the|on|tomorrow|thirty|"
            r"works|instead|then)|(?:mornings?|afternoons?|noon))",
            r"(?:<day>|morning|afternoon|noon|<clock>|am|pm|oclock)(?: at <clock>)?(?: am| pm|"
            r" oclock| thirty| morning| afternoon)? (?:works?|would (?:be|work)|is (?:good|"
            r"fine|great|perfect|best|better|ok|okay)|sounds|suits|will (?:work|do)|"
            r"should (?:work|be)|if (?:you|that))",
        ),
    ),
    Rule(
        "BOOK",
        58,
        (
            r"^(?:(?:on|next|this|at|around|yes|sure|okay|ok|maybe|say|for|in|the|um|uh|well|"
            r"please) )*(?:<day>|mornings?|afternoons?|noon|(?:<clock>)(?: <clock>| thirty|"
            r" fifteen)? (?:am|pm|oclock|in the))\b",
        ),
    ),
    Rule(
        "BOOK",
        58,
        (
            r"\b(?:<day>)(?: the \w+)?(?: morning| afternoon)? (?:at|around|after|"
            r"before) (?:<clock>|noon|half|quarter)\b",
        ),
    ),
)
