"""Wordings about the call itself: end it for good, a machine, another person, say it again."""

from __future__ import annotations

from sdr_lab.agents.intent_rules import Rule

WISHES: tuple[Rule, ...] = (
    Rule(
        "DO_NOT_CALL",
        100,
        (
            r"\b(?:take|taken|taking|remove|removed|get|scratch|drop|delete|pull|cross|strike|"
            r"erase|wipe) (?:<me> )?(?:name |number |phone number |contact |info\w* |details |"
            r"off )*(?:off|from|out of|out)\b(?! the phone)(?= *(?:$|[.,!?;]|of\b|your|the|"
            r"this|that|any|all|now|right|please|these|whatever|it|my))",
        ),
    ),
    Rule(
        "DO_NOT_CALL",
        100,
        (
            r"\b(?:do not|never|stop|quit|not to|cease) (?:you )?(?:ever |dare |keep |"
            r"with the )?(?:call|calling|calls|contact\w*|phon\w+|ring\w*|bother\w*|dial\w*|"
            r"harass\w*|text\w*|robocall\w*|cold call\w*|spam\w*)\b(?! \w+ (?:before|until|"
            r"after|today|now|on|at|during|in the|so early|so late)\b)",
        ),
    ),
    Rule(
        "DO_NOT_CALL",
        100,
        (
            r"how (?:do|can) i get off",
            r"(?:bugging|pestering|spamming|harassing|annoying|hassling|bothering) (?:me|us)",
            r"(?:do not|not) (?:want|wish) to be (?:on|in|part of|called|contacted|bothered)",
            r"(?:my|our|this) (?:number|name|phone|info\w*|data|details) (?:\w+ )?(?:removed|taken|"
            r"deleted|off|out|erased|blocked)",
            r"called (?:me|us) (?:\w+ )?(?:\w+ )?times",
            r"never (?:ever )?(?:ring|contact|phone|dial|bother) ",
            r"(?:block|blocking|report|reporting|sue|suing) (?:you|your|this)",
            r"(?:do not|did not) (?:consent|agree|sign up) to (?:these|be|get|receive|your|calls)",
            r"(?:never|not|do not) want (?:\w+ ){0,4}(?:calls?|contact)(?! (?:back|about|to (?:buy|"
            r"talk)))",
            r"(?:remove|removed|take|taken) (?:me |us |my \w+ )?from (?:your|the|this)",
            r"(?:call|ring|phone|contact) (?:me|us|here|this number) (?:ever )?again(?! (?:later|"
            r"tomorrow|next|in|after|at|on|please|when|around|this|some|another|<day>))",
            r"(?:keep|kept) (?:on )?(?:calling|phoning|ringing)",
            r"(?:do not|no) call (?:list|registry)",
            r"(?:want|get|be) off (?:of )?(?:your|this|the|that) (?:\w+ )?list",
            r"(?:not|never) (?:be )?(?:calling|phoning) (?:me|us|this|here|again)",
            r"(?:no more|enough) (?:of (?:these|your|the) )?(?:calls|calling)",
            r"(?:should|must) not be calling",
            r"(?:cease and desist|do not call|report you)",
            r"take (?:me|us|this number|my number) off",
            r"no more (?:of these |phone |sales )?calls",
            r"do not call (?:list|registry)",
            r"unsubscribe",
            r"opt(?:ing|ed)? (?:me |us )?out",
            r"(?:lose|forget|delete|erase|remove|block)(?: \w+){0,2} (?:my|this|"
            r"our) (?:phone )?number",
            r"off (?:of )?(?:your|the|this|that|any) (?:call |calling |phone |"
            r"marketing )*(?:list|database|system)",
            r"(?:lose|delete|remove) (?:my|this|our) (?:name|number|contact|info\w*|details)",
            r"asked (?:you|you guys|you people) (?:not to|to stop)",
            r"told you (?:guys |people )?(?:not to|to stop|to take)",
            r"sick of (?:you|these|your|all)",
            r"never want to hear from",
            r"(?:do not|never) want (?:any |more |any more |further |you |you guys |"
            r"you people |to )*(?:calls|be called|be contacted|get called|hear from you|call|"
            r"calling|contacted|phone calls)",
            r"not (?:be )?called (?:again|any ?more)",
            r"illegal to call",
            r"leave (?:me|us) alone",
            r"never call",
            r"stop (?:all )?(?:these|this|the|your) (?:\w+ )?(?:calls|calling)",
        ),
    ),
    Rule(
        "VOICEMAIL",
        95,
        (
            r"(?:call|number) (?:can not|could not) be (?:completed|reached)",
            r"all lines are (?:busy|taken)",
            r"not accepting (?:\w+ )?(?:messages|calls)",
            r"(?:hi|hello|hey) this is \w+(?: \w+)? (?:sorry|i am|we are|please|"
            r"you) .*\b(?:missed you|leave|away|unavailable|reached|right now)",
            r"sorry (?:i|we) missed (?:you|your)",
            r"unavailable",
            r"(?:your|a) (?:brief|short|detailed) message",
            r"(?:no one|nobody|we|i|everyone) (?:is|are|am) (?:not |un)?(?:available|able|"
            r"currently)(?: \w+)? to (?:take|answer)",
            r"press (?:pound|star|the)",
            r"finished recording",
            r"for (?:service|sales|english|billing|support|emergencies|"
            r"spanish)(?: please)? (?:press|dial|say)",
            r"(?:have |you )reached (?!the wrong|a wrong|the right)\w+",
            r"forwarded to (?:an? )?(?:automat|voice)\w*",
            r"call (?:us )?back during (?:business|office|normal|regular|opening) hours",
            r"currently (?:closed|unavailable|away|out of the office)",
            r"all (?:of our )?(?:agents|representatives|operators|lines) are",
            r"(?:our|the) (?:office|business|normal|regular|opening) hours are",
            r"thanks? (?:you )?for calling .*\b(?:hours|press|menu|extension|closed|message|party)",
            r"(?:leave|enter|record|type) (?:a|an|your|the) (?:\w+ )?(?:number|name|message|"
            r"extension)",
            r"at the (?:tone|beep)",
            r"(?:not|no longer) in service",
            r"please (?:hold|stay on the line) (?:for|while|until)",
            r"(?:please )?try your call again",
            r"(?:this|the) call (?:may be|is being) recorded",
            r"(?:i am|we are) (?:unable|not able) to (?:take|answer|get|come)",
            r"(?:if you know|dial) (?:your party|the extension)",
            r"google voice|call screening|screening service",
            r"state your name",
            r"leave (?:me |us )?(?:a |your |the )?(?:\w+ )?(?:message|name|voicemail)",
            r"(?:after|at|wait for) the (?:tone|beep)",
            r"(?:have |has |you )reached (?:the )?(?:voice ?mail|mailbox|desk|office|"
            r"residence|home|cell|phone|number)",
            r"you (?:have )?reached(?! (?:the |a )?wrong)(?! \w+ (?:wrong|bad))",
            r"reached the (?:voice ?mail|mailbox)",
            r"(?:can ?not|can not|unable to|not able to) (?:come to|get to|take|"
            r"answer) (?:the|your|my) (?:phone|call)",
            r"mailbox",
            r"record your message",
            r"voice messaging",
            r"(?:person|party|number|customer|subscriber) you (?:are (?:trying|calling)|"
            r"have (?:called|dialed)|dialed)",
            r"press (?:1|one|2|two|pound|star|0|zero|the)",
            r"not available (?:right now|at the moment|to take|at this time)",
            r"(?:office|we) (?:is|are) (?:currently |now )?closed",
            r"forwarded to (?:an? )?(?:automat\w+|voice)",
            r"your call is (?:very )?important",
            r"next available (?:agent|representative|operator)",
            r"(?:get|call|ring) (?:right )?back to you (?:as soon|shortly)",
            r"return your call",
            r"away from (?:my|the|our) (?:desk|phone)",
            r"voice ?mail (?:of|for|box)",
            r"sorry (?:i|we) (?:missed|can not take|could not take) your call",
            r"i (?:will|shall) (?:get|call you) back (?:to you )?as soon as",
            r"for (?:sales|english|billing|support) press",
        ),
    ),
    Rule(
        "WRONG_PERSON",
        90,
        (
            r"^no \w+ (?:at|in) this \w+",
            r"not who you",
            r"(?:somebody|someone) else s (?:job|department|business|call)",
            r"(?:my|our|the) <relative> (?:deals|handles|takes care|runs|does all|is in charge|"
            r"makes all|decides|is the one)",
            r"nothing to do with (?:that|this|it|the|scheduling|buying|\w+ing)",
            r"do not (?:own|run|have|work for|manage) (?:a|any|the) (?:\w+ )?(?:business|company|"
            r"shop|plumbing)",
            r"the wrong \w+",
            r"(?:am|are) you (?:sure )?(?:looking for|calling for|trying to reach) (?:someone|"
            r"somebody|me)",
            r"(?:somebody|someone) else s (?:phone|number)",
            r"new (?:phone|number) who",
            r"(?:got|had) this number (?:recently|last|a)",
            r"(?:left|sold|quit) (?:last|a|the|years|two|three|months)",
            r"^(?:\w+ )?no this is (?!not\b|a\b|the\b)\w+$",
            r"you (?:will|would|would probably|probably|might|really) (?:want|need|"
            r"have) to (?:speak|talk|ask|call|reach|check)(?: to| with)? (?:my|our|the|his|her|"
            r"someone)",
            r"(?:cell phone|home phone|personal (?:number|phone|cell|line)|private (?:number|"
            r"line))",
            r"(?:just|only) answer(?:ing)? (?:the )?phones?",
            r"(?:he|she) (?:handles|deals with|takes care of|runs|decides) (?:that|this|it|those|"
            r"the)",
            r"(?:this|that|it|we) (?:is|are) not (?:a |an |even a )?(?:\w+ ){0,2}(?:company|"
            r"business|shop|store|office|residence)",
            r"you (?:want|need|are after|are looking for|have to ask|should ask|"
            r"must mean) (?:to (?:speak|talk) (?:to|with) )?(?:my|the|our|his) (?:<relative>|"
            r"office|front desk|son|sister|daughter)",
            r"(?:i am|i was) (?:just |only )(?:a|the|an|his|her) (?:\w+ )?(?:technician|helper|"
            r"receptionist|assistant|secretary|plumber|driver|customer|temp|employee|intern|wife|"
            r"husband|kid|son|daughter)",
            r"not the (?:boss|owner|manager|decision maker)",
            r"(?:is|are) not available(?: right now)? (?:this is|i am) (?:his|her)",
            r"(?:have |must have )?mis ?dial\w*",
            r"(?:do not|does not|never) work (?:in|on|for|at) (?:that|this|the|them|him|it)",
            r"this is (?:his|her|their|the owner s|the wrong|somebody else)",
            r"(?:this is|i am|it is) (?:his|her) (?:wife|husband|son|daughter|assistant|secretary|"
            r"mother|brother|father|sister|mom|dad|partner|colleague)",
            r"(?:he|she|they) (?:is|are) not (?:here|in|available|around|with us)",
            r"(?:am|is) not (?:him|her|the owner|that person|in purchasing|in sales|the manager|"
            r"a plumber|the customer)",
            r"(?:do not|does not|never) (?:know|have|employ) (?:any|a|an|anyone|anybody|"
            r"who) (?:\w+ )?(?:by that|called|named|that name|that is|here)",
            r"do not know (?:who|any) (?:that|he|she|\w+) (?:is|here)",
            r"(?:you|i think you|you should|you may) (?:are looking for|should be calling|"
            r"should ask for|should call) (?:someone|somebody|my|the|a|our|another)",
            r"(?:not|no) (?:a |an )?(?:company|business|plumber|contractor) (?:here|at all)?",
            r"(?:he|she) (?:passed away|died|moved|is dead|quit|retired|left)",
            r"(?:sold|closed) the (?:business|company)",
            r"you are calling (?:the wrong|a private|a residence|a home)",
            r"wrong (?:number|person|guy|house|company|extension|place|man|woman|business|lady)",
            r"(?:no ?body|no one|nobody) (?:here )?(?:here )?(?:by|with|named|called|has|"
            r"under)\b.{0,6}(?:name|\w+)",
            r"there is no (?!way|reason|time|need|point|one size|rush|problem|money|budget|"
            r"question|hurry|contract|doubt)\w+(?: \w+)? (?:here|at this|that works|in this|"
            r"working)",
            r"(?:does not|do not|did not|never) (?:work|works|worked|live|lives|lived) here",
            r"(?:no longer|not any ?more) (?:works?|with|lives?|here|employed)",
            r"not work here any ?more",
            r"(?:left|quit|retired from) the (?:company|business|firm)",
            r"(?:am|are|is) not the (?:right |correct |best )?(?:person|one|guy|owner|"
            r"decision ?maker|man|woman|manager|boss|contact)",
            r"not (?:in charge|responsible)",
            r"(?:i|we|he|she|they|who) (?:do not|does not) (?:handle|deal with|make|do|"
            r"take care of|decide) (?:that|"
            r"this|it|those|these|any of|the|such|on|purchas\w+|buying|software)",
            r"(?:someone|somebody) else (?:handles|does|is in charge|takes care|makes|decides|"
            r"runs|deals|you)",
            r"not my (?:department|area|job|responsibility|call to|field)",
            r"this is not (?!a\b|the best|right|good|what|how|for|something|it|the time|"
            r"working|my|our|the)\w+$",
            r"(?:i am|it is) not (?:mike|sam|joe|john|mary|lisa|david|sarah)\b",
            r"never heard of (?:him|her|them|anyone|that person)",
            r"you (?:want|need|should|have|would have) to? ?(?:speak|talk|ask|call|"
            r"reach)(?: to| with)? (?:my|our|the|his|her) (?:\w+ )?(?:boss|owner|manager|"
            r"husband|wife|office|partner|dispatcher|receptionist)",
            r"not (?:here|in) (?:right now|today|at the moment|any ?more)",
            r"just the (?:receptionist|assistant|secretary|technician|intern|plumber|"
            r"apprentice|nanny|babysitter|temp)",
            r"just (?:answer|answering) the phones?",
            r"(?:he|she|mike|sam|the owner|the boss|my boss|that person) (?:is|went|"
            r"has) (?:not |out|away|on vacation|gone|left|retired|passed)",
            r"only (?:answer|work on|do) the",
            r"you (?:have|got|called|dialed|reached|must have) (?:the |have the |"
            r"dialed the )?wrong",
            r"(?:a )?private (?:number|residence|household|home)",
            r"not a business",
            r"meant to call someone",
        ),
    ),
    Rule(
        "TRANSFER",
        85,
        (
            r"\b(?:talk|speak|chat|speaking|talking|get through|through|get over|hand\w*|put|"
            r"connect\w*|transfer\w*) (?:directly |now |just |me |us |this |my call )*(?:on |"
            r"over |right )*(?:to|with) (?:one of )?(?:a |an |the |your |some |any |"
            r"another )?(?:real |live |actual |human |different |your |tech\w* |senior |sales |"
            r"support |customer |billing |breathing )*<person>\b",
        ),
    ),
    Rule(
        "TRANSFER",
        85,
        (
            r"(?:deal|work) with (?:a |an )?(?:real |live )?(?:human|person|someone real)",
            r"(?:who|whom) (?:can|could|should|do) i (?:talk|speak) (?:to|with)",
            r"(?:human|real person|actual person|live person|live agent|real human|"
            r"someone real)(?: being)?(?: \w+){0,2} (?:i|we|to|that|who|please|instead|now|on)",
            r"(?:someone|somebody|anyone) (?:from|in|on|at) (?:your|the) (?:\w+ )?(?:team|"
            r"department|office|company|staff|side)",
            r"^(?:\w+ )?(?:sales|support|billing|accounting|service|tech support|customer service|"
            r"manager|supervisor|human|person)(?: department| team)? please",
            r"(?:a|the|your) (?:human|real person|supervisor|manager|representative) (?:please|now|"
            r"instead)",
            r"(?:who|whoever|someone who|somebody who) (?:is )?(?:in charge|can help|knows|runs|"
            r"human|real)",
            r"put (?:me |us )?(?:somebody|someone|a|your|another|through|on)(?: \w+){0,3} (?:on|"
            r"through|phone|line)",
            r"(?:have|get|reach|want|need) (?:me )?(?:the |your |to )?(?:sales|support|billing|"
            r"service|accounts?|technical support|tech support)(?: \w+)? (?:department|team|desk|"
            r"person|please|office)",
            r"(?:speak|talk) (?:to|with) (?:an? )?(?:representative|agent|person|human|operator|"
            r"manager)",
            r"need (?:technical|tech|customer|billing) (?:support|help|service)",
            r"(?:want|need|like|prefer|rather have|get me) (?:to have )?(?:a |an )?(?:real |live |"
            r"actual )*(?:person|human|human being|operator|representative)",
            r"(?:anyone|someone|somebody|anybody)(?: else)?(?: there)? (?:i|we|who|that|"
            r"that i) can (?:speak|talk|help|actually)",
            r"(?:do not|not going to|hate|refuse to|rather not|tired of)(?: want to|"
            r" like to)? (?:talk|talking|speak|speaking|deal|dealing)(?: to|"
            r" with)? (?:an? )?(?:machine|robot|bot|computer|ai|recording)\w*",
            r"(?:get|find|fetch|give|bring) me (?:somebody|someone|your|a|an|the|"
            r"some) (?:\w+ )?<person>",
            r"(?:is|are) (?:anyone|anybody|someone|a colleague|somebody) (?:else )?(?:there|"
            r"available|around) (?:to|i can|that)",
            r"(?:talk|speak) to (?:somebody|someone|anybody) else",
            r"(?:real|actual|live) (?:human|person|people) please",
            r"(?:hand|turn|pass) (?:this|it|me) over to",
            r"transfer (?:me|us|my call|this|the call)",
            r"put (?:me|us) (?:through|on with)",
            r"connect (?:me|us)",
            r"patch (?:me|us)",
            r"pass (?:me|us|my call) (?:on|over|along|to)",
            r"get (?:me )?(?:a |an |your |the |someone |somebody )(?:real |live |"
            r"human )*(?:<person> )?(?:on the (?:phone|line)|for me|please)",
            r"get me (?:a |an |your |the )(?:real |live |human )*<person>",
            r"hand (?:me|us) over",
            r"(?:want|need|like|prefer|rather have) (?:to have )?(?:a |an )?(?:real|live|"
            r"human|actual) (?:real |live )*(?:person|human|being|agent|rep\w*|one)",
            r"escalate",
            r"(?:is|are) there (?:a |an |any )?(?:real |live |actual |human |someone |"
            r"somebody )+(?:person|people|human|being|i can|that i|there|available|to talk|"
            r"else)*",
            r"(?:let me|can i|could i|may i|i want to|i would like to|i need to|"
            r"i would rather) (?:please )?(?:talk|speak|chat) (?:to|with) (?!you\b|my\b|our\b|"
            r"me\b|about\b)\w+",
        ),
    ),
    Rule(
        "TRANSFER",
        84,
        (
            r"^(?:\w+ )?(?:human|operator|representative|agent|real person|live agent|"
            r"live person|customer service|a human|a person|a representative|an? agent|"
            r"an operator|a real person)(?: please| now| representative)*$",
        ),
    ),
    Rule(
        "REPEAT",
        82,
        (
            r"you (?:cut|broke|dropped|faded|went) (?:out|off|up|away|quiet)",
            r"(?:how much|what|when|who|where|which \w+) did you (?:just )?say",
            r"(?:did not|could not) (?:quite )?(?:get|catch|hear) (?:all|any|most|the|what|your)",
            r"(?:tell|give) me (?:that|the last (?:bit|part|one)) again",
            r"(?:could|can|would) you slow down",
            r"slow down(?: a bit| a little| please)?$",
            r"say what",
            r"go back (?:over that|a second|a bit)",
            r"what was the (?:price|name|number|day|time|last \w+) again",
            r"lost you(?: there)?",
            r"(?:say|repeat|tell me|explain) (?:that|it|this|the last (?:part|bit|thing)|"
            r"what you (?:just )?said)(?: \w+)? (?:again|one more time|once more|slower|"
            r"slowly|for me)",
            r"(?:say|repeat|go over|run) (?:that|it|this) (?:again|one more|once more|by me|"
            r"back|please|slower|more slowly|last)",
            r"say again",
            r"come again",
            r"beg your pardon",
            r"pardon(?: me)?$",
            r"(?:can|could|would|will) you (?:please |just )?(?:repeat|say that)",
            r"(?:please |^)repeat",
            r"what (?:was|is) that(?: again| you said| last (?:part|bit|thing)| part|"
            r" last one| now)?$",
            r"what (?:was|were) (?:the last|that last|it you|that (?:bit|part))",
            r"what (?:did you|you|were you|was it you|have you) (?:just )?(?:say|said|saying)\b",
            r"(?:did not|could not|can not|do not|can hardly|can barely|not able to|"
            r"did not quite|barely|hard to|trouble) (?:quite |really |even )?(?:catch|caught|"
            r"hear|hearing|get|make out|understand|follow|heard)(?:ing)?(?: (?:you|that|what|"
            r"it|a word|the|any|all|a thing|me|anything|your|of|last|everything))*",
            r"(?:you are|you were|you keep|you just|line is|it is|call is|"
            r"your voice is) (?:all )?(?:breaking|cutting|broke|cut|fading|dropping)(?: up|"
            r" out| off| in)*",
            r"(?:i )?missed (?:that|what|the|some|it|you)",
            r"one more time",
            r"once more",
            r"(?:run|go) (?:that|through that|it) (?:by me|again)",
            r"speak (?:up|louder|slower|more)",
            r"too (?:fast|quiet|quick)",
            r"a (?:bit|little) (?:louder|slower)",
            r"louder",
            r"slower",
            r"(?:bad|terrible|poor) (?:line|connection|reception)",
            r"what was your \w+ again",
            r"who (?:did you say|are you) again",
            r"how much was (?:that|it) again",
            r"connection is",
        ),
    ),
    Rule(
        "REPEAT",
        82,
        (
            r"^(?:\w+ ){0,2}(?:sorry|pardon)(?: me)? (?:what|come again|again|did not|not sure|"
            r"i did not)",
            r"(?:again|once more|repeat) please",
            r"(?:the )?(?:line|connection|signal|sound|audio|reception) (?:is|was|"
            r"s) (?:\w+ )?(?:bad|terrible|poor|awful|breaking|choppy|cutting|weak|fuzzy|scratchy)",
            r"(?:lost|losing) (?:you|me)",
            r"(?:mind|keep|try) repeating",
            r"repeat (?:that|it|what|the|yourself|please|again)",
            r"^(?:hm+ )+what",
            r"^(?:(?:i am )?sorry |excuse me |uh |um |wait |hey )*(?:what|huh|eh|pardon|"
            r"excuse me|say what|come again|what now|you what|sorry|i am sorry|how is that|"
            r"beg pardon)(?: sorry| please| again| was that)*$",
        ),
    ),
)
