"""The truth tables of Smol World, as plain text: one line of ``subject=answer`` pairs a relation.

Only undisputed, common facts; where two answers would be right, the subject is left out. To add a
fact, add a pair: splits, texts and tests follow. Used by ``facts.py``.
"""

from __future__ import annotations


def pairs_of(text: str) -> dict[str, str]:
    """{subject: answer} of a table's text. Raises ValueError if a subject stands in it twice."""
    # A pair may be broken over two lines, so white space is made single first.
    pairs = [item.strip().split("=") for item in " ".join(text.split()).split(";") if item.strip()]
    table = {subject.strip(): answer.strip() for subject, answer in pairs}
    if len(table) != len(pairs):
        seen: set[str] = set()
        twice = [s for s, _ in pairs if s in seen or seen.add(s)]
        raise ValueError(f"a subject stands twice in a truth table: {twice}")
    return table


TABLES: dict[str, dict[str, str]] = {
    "capital": pairs_of("""
        France=Paris; Germany=Berlin; Italy=Rome; Spain=Madrid; Portugal=Lisbon; England=London;
        Ireland=Dublin; Scotland=Edinburgh; Austria=Vienna; Hungary=Budapest; Poland=Warsaw;
        Greece=Athens; Turkey=Ankara; Russia=Moscow; Ukraine=Kyiv; Sweden=Stockholm; Norway=Oslo;
        Denmark=Copenhagen; Finland=Helsinki; Iceland=Reykjavik; Belgium=Brussels;
        Switzerland=Bern; Romania=Bucharest; Bulgaria=Sofia; Serbia=Belgrade; Croatia=Zagreb;
        Albania=Tirana; Estonia=Tallinn; Latvia=Riga; Lithuania=Vilnius; Egypt=Cairo;
        Morocco=Rabat; Tunisia=Tunis; Kenya=Nairobi; Ghana=Accra; Senegal=Dakar; Nigeria=Abuja;
        Ethiopia=Addis Ababa; Uganda=Kampala; Japan=Tokyo; China=Beijing; India=New Delhi;
        Thailand=Bangkok; Vietnam=Hanoi; Nepal=Kathmandu; Mongolia=Ulaanbaatar; Iran=Tehran;
        Iraq=Baghdad; Jordan=Amman; Lebanon=Beirut; Canada=Ottawa; Mexico=Mexico City; Cuba=Havana;
        Brazil=Brasilia; Argentina=Buenos Aires; Chile=Santiago; Peru=Lima; Colombia=Bogota;
        Uruguay=Montevideo; Australia=Canberra"""),
    "language": pairs_of("""
        France=French; Germany=German; Italy=Italian; Spain=Spanish; Portugal=Portuguese;
        England=English; Austria=German; Hungary=Hungarian; Poland=Polish; Greece=Greek;
        Turkey=Turkish; Russia=Russian; Ukraine=Ukrainian; Sweden=Swedish; Norway=Norwegian;
        Denmark=Danish; Finland=Finnish; Iceland=Icelandic; Romania=Romanian; Bulgaria=Bulgarian;
        Serbia=Serbian; Croatia=Croatian; Albania=Albanian; Estonia=Estonian; Latvia=Latvian;
        Lithuania=Lithuanian; Egypt=Arabic; Iraq=Arabic; Jordan=Arabic; Lebanon=Arabic;
        Tunisia=Arabic; Japan=Japanese; China=Chinese; Thailand=Thai; Vietnam=Vietnamese;
        Nepal=Nepali; Mongolia=Mongolian; Iran=Persian; Mexico=Spanish; Cuba=Spanish;
        Brazil=Portuguese; Argentina=Spanish; Chile=Spanish; Colombia=Spanish; Uruguay=Spanish;
        Australia=English"""),
    "currency": pairs_of("""
        France=euro; Germany=euro; Italy=euro; Spain=euro; Portugal=euro; Greece=euro; Ireland=euro;
        Austria=euro; Finland=euro; Belgium=euro; England=pound; Egypt=pound; Japan=yen; China=yuan;
        India=rupee; Nepal=rupee; Russia=ruble; Turkey=lira; Poland=zloty; Hungary=forint;
        Denmark=krone; Norway=krone; Sweden=krona; Iceland=krona; Switzerland=franc;
        Thailand=baht; Vietnam=dong; Mexico=peso; Chile=peso; Argentina=peso; Uruguay=peso;
        Brazil=real; Peru=sol; Canada=dollar; Australia=dollar; Morocco=dirham; Tunisia=dinar;
        Iraq=dinar; Jordan=dinar; Kenya=shilling; Uganda=shilling; Ghana=cedi; Nigeria=naira;
        Ethiopia=birr; Romania=leu; Ukraine=hryvnia; Mongolia=tugrik; Albania=lek"""),
    "continent": pairs_of("""
        France=Europe; Germany=Europe; Italy=Europe; Spain=Europe; Portugal=Europe; England=Europe;
        Ireland=Europe; Scotland=Europe; Austria=Europe; Hungary=Europe; Poland=Europe;
        Greece=Europe; Ukraine=Europe; Sweden=Europe; Norway=Europe; Denmark=Europe; Finland=Europe;
        Iceland=Europe; Belgium=Europe; Switzerland=Europe; Romania=Europe; Bulgaria=Europe;
        Egypt=Africa; Morocco=Africa; Tunisia=Africa; Kenya=Africa; Ghana=Africa; Senegal=Africa;
        Nigeria=Africa; Ethiopia=Africa; Uganda=Africa; Japan=Asia; China=Asia; India=Asia;
        Thailand=Asia; Vietnam=Asia; Nepal=Asia; Mongolia=Asia; Iran=Asia; Iraq=Asia; Jordan=Asia;
        Lebanon=Asia; Canada=North America; Mexico=North America; Cuba=North America;
        Brazil=South America; Argentina=South America; Chile=South America; Peru=South America;
        Colombia=South America; Uruguay=South America"""),
    "opposite": pairs_of("""
        hot=cold; big=small; tall=short; fast=slow; old=young; cruel=kind; rich=poor; good=bad;
        happy=sad; light=dark; day=night; open=closed; full=empty; hard=soft; wet=dry; clean=dirty;
        loud=quiet; strong=weak; thick=thin; wide=narrow; deep=shallow; high=low; near=far;
        early=late; left=right; up=down; in=out; on=off; first=last;
        true=false; yes=no; always=never; push=pull; buy=sell; give=take; win=lose; love=hate;
        begin=end; laugh=cry; safe=dangerous; easy=difficult; cheap=expensive;
        calm=nervous; rough=smooth; sharp=blunt; sweet=bitter; brave=afraid; friend=enemy;
        question=answer; north=south; east=west; summer=winter; arrive=leave; remember=forget;
        awake=asleep; alive=dead; top=bottom; inside=outside"""),
    "sound": pairs_of("""
        dog=bark; cat=meow; cow=moo; sheep=bleat; horse=neigh; pig=oink; lion=roar; wolf=howl;
        frog=croak; snake=hiss; bee=buzz; owl=hoot; duck=quack; rooster=crow; donkey=bray;
        elephant=trumpet; mouse=squeak; crow=caw; turkey=gobble; pigeon=coo; hen=cluck;
        monkey=chatter; bear=growl; goose=honk; chick=cheep; cricket=chirp"""),
    "young": pairs_of("""
        dog=puppy; cat=kitten; cow=calf; sheep=lamb; horse=foal; pig=piglet; goat=kid; hen=chick;
        duck=duckling; goose=gosling; lion=cub; bear=cub; wolf=pup; fox=kit; deer=fawn;
        frog=tadpole; owl=owlet; swan=cygnet; kangaroo=joey; seal=pup; elephant=calf; whale=calf;
        butterfly=caterpillar; hare=leveret; eagle=eaglet; eel=elver; spider=spiderling;
        turkey=poult; fish=fry; pigeon=squab"""),
    "color": pairs_of("""
        grass=green; the sky=blue; snow=white; coal=black; blood=red; the sun=yellow; a banana=yellow;
        a lemon=yellow; a carrot=orange; a pumpkin=orange; a strawberry=red; a tomato=red;
        a cherry=red; milk=white; salt=white; sugar=white; a crow=black; a swan=white;
        a flamingo=pink; a pig=pink; an elephant=gray; a mouse=gray; the sea=blue; a frog=green;
        a leaf=green; a cucumber=green; spinach=green; chocolate=brown; coffee=brown; a bear=brown;
        an eggplant=purple; lavender=purple; gold=yellow; silver=gray; a fire truck=red; honey=yellow;
        an emerald=green; a ruby=red; a sapphire=blue; a raven=black; rice=white; a lime=green;
        chalk=white; tar=black; a plum=purple; a chestnut=brown"""),
    "plural": pairs_of("""
        man=men; woman=women; child=children; foot=feet; tooth=teeth; goose=geese; mouse=mice;
        ox=oxen; sheep=sheep; fish=fish; deer=deer; leaf=leaves; knife=knives; wife=wives;
        wolf=wolves; half=halves; shelf=shelves; loaf=loaves; thief=thieves; calf=calves;
        city=cities; baby=babies; lady=ladies; party=parties; story=stories; box=boxes; bus=buses;
        glass=glasses; dish=dishes; watch=watches; fox=foxes; potato=potatoes; tomato=tomatoes;
        hero=heroes; dog=dogs; cat=cats; book=books; tree=trees; house=houses; car=cars; cup=cups;
        key=keys; boy=boys; girl=girls; day=days; berry=berries; fly=flies; lorry=lorries"""),
    "past": pairs_of("""
        go=went; eat=ate; see=saw; run=ran; come=came; take=took; give=gave; make=made; say=said;
        tell=told; find=found; think=thought; buy=bought; bring=brought; catch=caught; teach=taught;
        write=wrote; speak=spoke; break=broke; drive=drove; ride=rode; sing=sang; swim=swam;
        drink=drank; begin=began; ring=rang; fly=flew; grow=grew; know=knew; throw=threw;
        blow=blew; draw=drew; fall=fell; feel=felt; keep=kept; sleep=slept; leave=left; meet=met;
        pay=paid; sell=sold; send=sent; spend=spent; build=built; lose=lost; win=won; sit=sat;
        stand=stood; wear=wore; forget=forgot; choose=chose; steal=stole; wake=woke; hide=hid;
        bite=bit; hear=heard; hold=held; cut=cut; put=put; walk=walked; play=played; cook=cooked;
        jump=jumped"""),
    "symbol": pairs_of("""
        hydrogen=H; helium=He; lithium=Li; carbon=C; nitrogen=N; oxygen=O; fluorine=F; neon=Ne;
        sodium=Na; magnesium=Mg; aluminum=Al; silicon=Si; phosphorus=P; sulfur=S; chlorine=Cl;
        argon=Ar; potassium=K; calcium=Ca; titanium=Ti; chromium=Cr; manganese=Mn; iron=Fe;
        cobalt=Co; nickel=Ni; copper=Cu; zinc=Zn; arsenic=As; bromine=Br; krypton=Kr; silver=Ag;
        tin=Sn; iodine=I; xenon=Xe; barium=Ba; tungsten=W; platinum=Pt; gold=Au; mercury=Hg;
        lead=Pb; radon=Rn; radium=Ra; uranium=U; boron=B; beryllium=Be"""),
    "next": pairs_of("""
        Monday=Tuesday; Tuesday=Wednesday; Wednesday=Thursday; Thursday=Friday; Friday=Saturday;
        Saturday=Sunday; Sunday=Monday; January=February; February=March; March=April; April=May;
        May=June; June=July; July=August; August=September; September=October; October=November;
        November=December; December=January; spring=summer; summer=autumn; autumn=winter;
        winter=spring; one=two; two=three; three=four; four=five; five=six; six=seven; seven=eight;
        eight=nine; nine=ten; ten=eleven; eleven=twelve; first=second; second=third; third=fourth;
        fourth=fifth; Mercury=Venus; Venus=Earth; Earth=Mars; Mars=Jupiter; Jupiter=Saturn;
        Saturn=Uranus; Uranus=Neptune; morning=noon; breakfast=lunch; lunch=dinner"""),
    "place": pairs_of("""
        teacher=school; doctor=hospital; nurse=hospital; baker=bakery; farmer=farm; cook=kitchen;
        judge=court; priest=church; pilot=plane; sailor=ship; miner=mine; librarian=library;
        actor=theater; soldier=army camp; gardener=garden; waiter=restaurant; banker=bank;
        barber=barber shop; mechanic=garage; chemist=laboratory; painter=studio; clown=circus;
        monk=monastery; fisherman=boat; cashier=supermarket; king=palace; guard=prison;
        astronaut=space station; professor=university; driver=truck; postman=post office;
        butcher=butcher shop"""),
    "legs": pairs_of("""
        spider=eight; dog=four; cat=four; cow=four; horse=four; bird=two; duck=two; hen=two; ant=six;
        bee=six; fly=six; beetle=six; butterfly=six; scorpion=eight; lion=four; pig=four; goat=four;
        mouse=four; eagle=two; owl=two; ostrich=two; person=two; elephant=four; moth=six; wasp=six;
        cricket=six; tick=eight; frog=four; rabbit=four; swan=two;
        camel=four; tiger=four; mosquito=six"""),
    "kind": pairs_of("""
        apple=fruit; banana=fruit; pear=fruit; cherry=fruit; peach=fruit; carrot=vegetable;
        onion=vegetable; potato=vegetable; cabbage=vegetable; turnip=vegetable; rose=flower;
        tulip=flower; daisy=flower; lily=flower; oak=tree; pine=tree; birch=tree; willow=tree;
        hammer=tool; saw=tool; drill=tool; spade=tool; piano=instrument; guitar=instrument;
        violin=instrument; flute=instrument; drum=instrument; eagle=bird; sparrow=bird; robin=bird;
        parrot=bird; salmon=fish; trout=fish; shark=fish; tuna=fish; ant=insect; bee=insect;
        beetle=insect; shirt=garment; coat=garment; sock=garment; skirt=garment; chair=piece of
        furniture; table=piece of furniture; sofa=piece of furniture; car=vehicle; bus=vehicle;
        train=vehicle; tractor=vehicle; ruby=gem; diamond=gem;
        emerald=gem; doll=toy; truck=vehicle; wrench=tool; palm=tree; kite=toy; cobra=snake"""),
    "material": pairs_of("""
        window=glass; bottle=glass; mirror=glass; nail=iron; horseshoe=iron; coin=metal; book=paper;
        newspaper=paper; tire=rubber; eraser=rubber; jar=glass; candle=wax; crayon=wax; loaf of bread=flour;
        cake=flour; canoe=wood; barrel=wood; boot=leather; sweater=wool; scarf=wool; blanket=wool;
        brick=clay; pot=clay; vase=clay; shoe=leather; saddle=leather; belt=leather;
        omelet=eggs; snowman=snow; igloo=snow; castle=stone; statue=stone; door=wood; ladder=wood;
        pencil=wood; fence=wood; bag=plastic; bucket=plastic; towel=cotton; shirt=cotton;
        pillow=feathers; teapot=clay; lens=glass; ring=gold"""),
    "author": pairs_of("""
        Hamlet=Shakespeare; Macbeth=Shakespeare; Othello=Shakespeare; Faust=Goethe; Emma=Austen;
        Oliver Twist=Dickens; David Copperfield=Dickens; Great Expectations=Dickens;
        War and Peace=Tolstoy; Anna Karenina=Tolstoy; Don Quixote=Cervantes; The Odyssey=Homer;
        The Iliad=Homer; Moby Dick=Melville; Dracula=Stoker; Frankenstein=Shelley; Ulysses=Joyce;
        Heidi=Spyri; Pinocchio=Collodi; Peter Pan=Barrie; The Hobbit=Tolkien; Matilda=Dahl;
        Walden=Thoreau; Candide=Voltaire; Jane Eyre=Bronte; The Raven=Poe; The Trial=Kafka;
        Animal Farm=Orwell; Tom Sawyer=Twain; Huckleberry Finn=Twain; Treasure Island=Stevenson;
        Robinson Crusoe=Defoe; The Jungle Book=Kipling; The Divine Comedy=Dante;
        Crime and Punishment=Dostoevsky; The Cherry Orchard=Chekhov"""),
    "landmark": pairs_of("""
        the Eiffel Tower=France; Big Ben=England; the Colosseum=Italy; the Taj Mahal=India;
        the Great Wall=China; the Kremlin=Russia; the Parthenon=Greece; Mount Fuji=Japan;
        the Sphinx=Egypt; Machu Picchu=Peru; the Louvre=France; the Alhambra=Spain;
        Stonehenge=England; Petra=Jordan; Angkor Wat=Cambodia; the Brandenburg Gate=Germany;
        the Acropolis=Greece; the Leaning Tower of Pisa=Italy;
        Mount Kilimanjaro=Tanzania; the Opera House of Sydney=Australia; the Blue Mosque=Turkey;
        the Little Mermaid statue=Denmark; the Matterhorn=Switzerland; the Atomium=Belgium;
        the Forbidden City=China; Mount Ararat=Turkey; Uluru=Australia; Loch Ness=Scotland;
        the Gateway of India=India"""),
}
