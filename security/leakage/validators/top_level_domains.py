"""Top-level domains that mail is sent to: every country's, and the generic ones in wide use."""

from __future__ import annotations

TOP_LEVEL_DOMAINS = frozenset(
    (
        b"ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz"
        b" ca cc cd cf cg ch ci ck"
        b" cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg"
        b" gh gi gl gm gn gp gq gr"
        b" gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky"
        b" kz la lb lc li lk lr ls"
        b" lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np"
        b" nr nu nz om pa pe pf pg"
        b" ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx"
        b" sy sz tc td tf tg th tj"
        b" tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
        b" com org net edu gov mil int info biz name pro mobi app dev tech cloud online site store shop xyz club"
        b" blog art agency academy"
        b" email group global media news design digital studio software solutions systems services network company"
        b" consulting capital"
        b" finance bank health care clinic law legal live life love world today team space website page link live"
        b" asia africa london berlin"
        b" paris nyc tokyo eco earth energy farm fit fun games gmbh ltd llc inc host hosting house jobs marketing"
        b" museum press social"
        b" support tax tours travel tv wiki work works zone aero coop cat tel post"
    ).split()
)
